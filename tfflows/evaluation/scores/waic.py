"""What an ensemble of models agrees on."""

import dataclasses

import numpy as np

from tfflows.evaluation.densities import as_model, check_event
from tfflows.evaluation.scores.base import Score


@dataclasses.dataclass(kw_only=True, eq=False)
class WAIC(Score):
    """The Watanabe-Akaike information criterion of an ensemble, negated, in nats:

        Var_k[log p_k(x)] - mean_k[log p_k(x)]

    What models that were trained alike disagree on lies outside. The variance is that of the `K` models, over `K`.

    Args: see `Score`. `fit(models, data)` takes a list of at least two densities, trained with different seeds.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> pair = [tfp.distributions.MultivariateNormalDiag([mean], tf.ones(1)) for mean in (-0.1, 0.1)]
    >>> score = scores.WAIC().fit(pair, np.zeros([2, 1], "float32"))
    >>> x = np.array([[3.0]], "float32")
    >>> np.round(score.score(x), 4).tolist()  # log sqrt(2 pi) + (9 + 0.01) / 2 + (0.1 * 3)^2
    [5.5139]

    References:
      Choi, Jang, Alemi. WAIC, but why? Generative ensembles for robust anomaly detection. 2018, arXiv 1810.01392.
    """

    def _checked_model(self, model, event_shape):
        if not isinstance(model, (list, tuple)) or len(model) < 2:
            raise ValueError(f"A list of at least two models is needed. Received: {_described(model)}")
        models = [as_model(each) for each in model]
        for i, each in enumerate(models):
            check_event(each, event_shape, f"models[{i}]")
        return models

    def _score(self, x):
        nats = np.stack([self._log_prob(x, model) for model in self._model])
        possible = np.isfinite(nats).all(axis=0)
        found = np.full(len(x), np.inf)  # impossible for some model
        found[possible] = nats[:, possible].var(axis=0) - nats[:, possible].mean(axis=0)
        return found


def _described(model):
    return f"{len(model)} of them" if isinstance(model, (list, tuple)) else type(model).__name__
