"""The likelihood itself as a score."""

import dataclasses

from tfflows.evaluation.scores.base import Score


@dataclasses.dataclass(kw_only=True, eq=False)
class Likelihood(Score):
    """`-log p(x)`, in nats: what is unlikely lies outside. It needs no fitting beyond knowing the model.

    Args: see `Score`.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> score = scores.Likelihood().fit(normal, np.zeros([2, 2], "float32"))
    >>> x = np.array([[0.0, 0.0], [2.0, 0.0]], "float32")
    >>> np.round(np.diff(score.score(x)), 4).tolist()
    [2.0]

    References:
      Bishop. Novelty detection and neural network validation. 1994. That it fails on images: Nalisnick et al. Do deep
      generative models know what they don't know? ICLR 2019, arXiv 1810.09136.
    """

    def _score(self, x):
        return -self._log_prob(x)
