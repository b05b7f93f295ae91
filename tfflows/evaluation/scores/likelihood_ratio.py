"""The likelihood beside that of a background model."""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer
from tfflows.evaluation.densities import as_model, check_event
from tfflows.evaluation.scores.base import Score


@dataclasses.dataclass(kw_only=True, eq=False)
class LikelihoodRatio(Score):
    """`log p_background(x) - log p(x)`, in nats: what is as likely under a model of the background lies outside.

    The background model has the same form as the other, and is trained on `mutated` data, of which it learns the
    statistics that examples of any kind share.

    Args:
      background: a density of the same events; anything that `fit` takes as `model`.
      num_draws, seed, batch_size: see `Score`.

    Raises:
      ValueError: a background model of events of another shape, or without `log_prob`.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> wide, narrow = (tfp.distributions.MultivariateNormalDiag(tf.zeros(1), [s]) for s in (2.0, 1.0))
    >>> score = scores.LikelihoodRatio(background=wide).fit(narrow, np.zeros([2, 1], "float32"))
    >>> np.round(score.score(np.array([[0.0], [4.0]], "float32")), 4).tolist()  # x^2 (1 - 1/4) / 2 - log 2
    [-0.6931, 5.3069]

    References:
      Ren, Liu, Fertig, Snoek, Poplin, Depristo, Dillon, Lakshminarayanan. Likelihood ratios for out-of-distribution
      detection. NeurIPS 2019, arXiv 1906.02845, equation 4.
    """

    background: object

    def __post_init__(self):
        self._background = as_model(self.background)

    def _fit(self, data):
        check_event(self._background, data.shape[1:], "background")

    def _score(self, x):
        own, of_background = self._log_prob(x), self._log_prob(x, self._background)
        with np.errstate(invalid="ignore"):
            return np.where(np.isneginf(own), np.inf, of_background - own)


def mutated(x, *, rate=0.2, levels=256, seed=0):
    """Integers of which each entry is, with a probability, replaced by one of all levels, each as likely.

    Args:
      x: integer array `[n, ...]`, values from 0 to `levels - 1`.
      rate: float between 0 and 1, the probability; 0.1 to 0.3 in the paper.
      levels: int.
      seed: int.

    Returns:
      Array like `x`.

    References: Ren et al., arXiv 1906.02845, section 3.
    """
    x = np.asarray(x)
    check_integer(2, levels=levels)
    if x.dtype.kind not in "iu" or not x.size or x.min() < 0 or x.max() >= levels:
        raise ValueError(f"`x` must hold integers from 0 to {levels - 1}. Received: {x.dtype} array {list(x.shape)}")
    if levels - 1 > np.iinfo(x.dtype).max:
        raise ValueError(f"`levels` must be numbers of {x.dtype}. Received: levels={levels}")
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must be between 0 and 1. Received: {rate!r}")
    rng = np.random.default_rng(seed)
    return np.where(rng.random(x.shape) < rate, rng.integers(levels, size=x.shape), x).astype(x.dtype)
