"""Images with Gaussian noise."""

import keras
import tensorflow as tf

from tfflows.arguments import check_positive
from tfflows.layers.dequantization import Dequantization

_LONGEST_STEP = 2.0  # standard deviations of the noise, root mean square over an image


@keras.saving.register_keras_serializable("tfflows")
class GaussianAugmentation(Dequantization):
    """`y = x + 1/2 + scale * kept_levels * u`, `u ~ N(0, 1)^D`: integers in the middle of their level, and noise.

    A density `p` over `y` is one of noisy images, `p(y) = sum of P(x) N(y; x + 1/2, scale^2)` over the images `x`. The
    noise does not dequantize: nothing follows for `P(x)`, and bits per dimension of `p` are not those of the integers.
    What it is for: a flow that is trained on noisy images is a better sampler, and the score of `p` takes the noise
    away again (`denoised`).

    Args:
      levels, kept_levels, seed, **kwargs: see `Dequantization`.
      scale: float > 0, standard deviation of the noise where the range of all levels is 1.

    Raises:
      ValueError: a scale that is not positive.

    Example:

    >>> import numpy as np
    >>> from tfflows.layers import GaussianAugmentation
    >>> y, log_q = GaussianAugmentation(256, scale=1e-4)(np.array([[0, 255]], "uint8"), seed=0)
    >>> np.floor(y).tolist(), log_q.numpy().tolist()
    ([[0.0, 255.0]], [0.0])

    References:
      Zhai et al. Normalizing flows are capable generative models. ICML 2025, arXiv 2412.06329.
    """

    bounds = False

    def __init__(self, levels=256, *, scale=0.05, **kwargs):
        super().__init__(levels, **kwargs)
        check_positive(scale=scale)
        self.scale = scale
        self.built = True

    @property
    def deviation(self):
        """Standard deviation of the noise, in levels."""
        return self.scale * self.kept_levels

    def noise(self, x, seed):
        noise = self.deviation * tf.random.stateless_normal(tf.shape(x), seed, dtype=x.dtype)
        return noise, tf.zeros(tf.shape(x)[:1], x.dtype)

    def with_noise(self, level, u):
        return level + 0.5 + u

    def denoised(self, y, log_prob):
        """The mean of the images given noisy ones, by Tweedie's formula: `y + deviation^2 d log p(y) / dy`.

        That step is minus the mean of the noise given `y`: its square is at most `deviation^2 D` on average. If it is
        longer than `2 deviation sqrt(D)` the score cannot be that of noisy images (a sample outside of what the flow
        has learned, whose score may be of any size), and the step is shortened to that.

        Args:
          y: noisy images `[batch, *event_shape]`.
          log_prob: function that gives their log-density, `[batch]`.

        Returns:
          `Tensor` like `y`: exact where `log_prob` is the density of `x + 1/2` and this noise, but for noise of more
          than twice the usual length.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(y)
            total = tf.reduce_sum(log_prob(y))
        step = self.deviation**2 * tape.gradient(total, y)
        axes, most = list(range(1, y.shape.rank)), _LONGEST_STEP * self.deviation
        largest = tf.maximum(tf.reduce_max(tf.abs(step), axes, keepdims=True), most)
        length = largest * tf.sqrt(tf.reduce_mean((step / largest) ** 2, axes, keepdims=True))
        return y + step * (most / tf.maximum(length, most))
