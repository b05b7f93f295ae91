"""Distance of the likelihood from what is usual."""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer
from tfflows.evaluation.likelihood import check_finite
from tfflows.evaluation.scores.base import Score


@dataclasses.dataclass(kw_only=True, eq=False)
class Typicality(Score):
    """The typicality test: how far the mean of `-log p` over a group of `M` examples is from its mean over data, nats.

        |-(1/M) sum_m log p(x_m) - H|,    H = the mean of -log p over the data of `fit`

    What is too likely lies outside as much as what is too unlikely. All examples of a group have to be from one place.

    Args:
      group_size: int, `M`, examples that are judged together. `score(x)` of `n` examples gives `n / M` scores, of
        consecutive ones. The published tables have 2, 10 and 25.
      num_draws, seed, batch_size: see `Score`.

    Raises:
      ValueError: a number of examples that `group_size` does not divide.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(50), tf.ones(50))
    >>> score = scores.Typicality(group_size=2).fit(normal, normal.sample(1000, seed=0))
    >>> bool(score.score(np.zeros([2, 50], "float32"))[0] > score.score(normal.sample(200, seed=1)).max())  # the mode
    True

    References:
      Nalisnick, Matsukawa, Teh, Lakshminarayanan. Detecting out-of-distribution inputs to deep generative models using
      typicality. 2019, arXiv 1906.02994, section 3.
    """

    group_size: int = 1

    def __post_init__(self):
        check_integer(group_size=self.group_size)

    def _fit(self, data):
        nats = self._log_prob(data)
        check_finite(nats)
        self.entropy = -float(nats.mean())

    def _score(self, x):
        if len(x) % self.group_size:
            raise ValueError(
                f"`x` must hold groups of {self.group_size} examples (`group_size`). Received: {len(x)} examples"
            )
        return np.abs(-self._log_prob(x).reshape(-1, self.group_size).mean(axis=1) - self.entropy)
