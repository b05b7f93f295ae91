"""What all scores share: their face, and what they refuse."""

import dataclasses

import numpy as np

from tfflows.evaluation.densities import as_model, check_event
from tfflows.evaluation.detection import check_scores
from tfflows.evaluation.pointwise import log_prob_of_each


@dataclasses.dataclass(kw_only=True, eq=False)
class Score:
    """How little an example belongs to the data of a density: higher is further out.

    Subclasses write `_score`, and `_fit` where they learn something from data.

    Args:
      num_draws: int, draws of the noise of integers for each log-probability (`importance_weighted`).
      seed: int, of the noise.
      batch_size: int, examples per call of a model; `None` for one that suits their size.
    """

    num_draws: int = 1
    seed: int = 0
    batch_size: int | None = None
    _known = None  # shape of an event and whether it is of integers, once fitted

    def fit(self, model, data):
        """Learns what is usual.

        Args:
          model: anything with `log_prob(x)`: a `FlowModel`, of a conditional one over reals `flow.condition(context)`,
            a TFP distribution, a loaded SavedModel; with `log_weights`, a `VariationalAutoencoder`; or an estimator
            of scikit-learn whose `score_samples` are log-densities.
          data: array `[n, *event_shape]`, at least two examples of what the model was trained on, such as its
            validation data.

        Returns:
          The score itself.

        Raises:
          ValueError: a model without `log_prob`, or of other events than the data; fewer than two examples.
        """
        data = np.asarray(data)
        if data.ndim < 2 or len(data) < 2:
            raise ValueError(f"`data` must hold at least two examples [n, *event_shape]. Received: shape {data.shape}")
        self._known = None
        self._model = self._checked_model(model, data.shape[1:])
        self._fit(data)
        self._known = data.shape[1:], data.dtype.kind in "iu"
        return self

    def score(self, x):
        """Scores of examples `[n, *event_shape]`: float64 `[n]`; `inf` outside of the support.

        Raises:
          ValueError: no examples, examples of another shape than those of `fit`, integers where those were reals or
            the other way round, a score that was not fitted, scores that are NaN.
        """
        if self._known is None:
            raise ValueError(f"{type(self).__name__} is not fitted: call `fit(model, data)` first.")
        x, (shape, discrete) = np.asarray(x), self._known
        if x.shape[1:] != shape or not len(x):
            raise ValueError(
                f"`x` must hold at least one example of shape {shape}, as `data` did. Received: shape {x.shape}"
            )
        if (x.dtype.kind in "iu") != discrete:
            kind = "integers" if discrete else "reals"
            raise ValueError(f"`x` must hold {kind}, as `data` did. Received: dtype {x.dtype}")
        scores = np.asarray(self._score(x), np.float64)
        check_scores(scores)
        return scores

    def _checked_model(self, model, event_shape):
        if isinstance(model, (list, tuple)):
            raise ValueError(f"One model is needed. Received: {len(model)}")
        model = as_model(model)
        check_event(model, event_shape)
        return model

    def _fit(self, data):
        """Learns from data; most scores have nothing to learn."""

    def _score(self, x):
        raise NotImplementedError

    def _log_prob(self, x, model=None):
        """Nats of each example, `-inf` outside of the support."""
        model = self._model if model is None else model
        options = {"num_draws": self.num_draws, "seed": self.seed, "batch_size": self.batch_size}
        return log_prob_of_each(model, x, **options, impossible=True)
