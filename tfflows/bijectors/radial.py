"""Radial flow."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors.amortized import Amortized
from tfflows.ops import numerics, shapes

_LOG_SCALE_LIMIT, _LOG_RADIUS_LIMIT = 3.0, 10.0


class Radial(Amortized):
    """Stretches or contracts space around a point, most at the point itself.

    With a centre `x0`, `alpha > 0`, `beta > -alpha`, `r = |x - x0|` and `s = |y - x0|`:

    * forward: `y = x + beta / (alpha + r) (x - x0)`
    * inverse: `x = x0 + (y - x0) (alpha + r) / (alpha + beta + r)`, `r` the positive root of
      `r^2 + (alpha + beta - s) r = alpha s`
    * forward log-det: `(D - 1) log(1 + beta / (alpha + r)) + log(1 + alpha beta / (alpha + r)^2)`

    In raw parameters, `alpha = exp(10 tanh(raw_alpha / 10))` and `beta = alpha (exp(3 tanh(raw_beta / 3)) - 1)`, so
    that the scale at the centre, `1 + beta / alpha`, lies between 0.05 and 20 and the map is invertible for all of
    them. (The paper takes `beta = -alpha + log(1 + exp(raw_beta))`, which is not the identity at 0 and has no bound.)

    `event_ndims`: 1. Cost: `O(D)` in both directions, in closed form.

    It starts as the identity, with a random centre.

    Args:
      event_size, conditioner, dtype, seed, name: see `Amortized`; the conditioner returns `D + 2` values, for the
        weights `centre`, `raw_alpha` and `raw_beta`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Radial
    >>> Radial(2).forward(tf.ones([8, 2])).shape.as_list()
    [8, 2]

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770, section 4.1 and
      appendix A.2.
    """

    def __init__(self, event_size, *, conditioner=None, dtype="float32", seed=None, name="radial"):
        parameters = dict(locals())
        self._size = event_size
        super().__init__(event_size, {"centre": (event_size,), "raw_alpha": (), "raw_beta": ()}, parameters=parameters)

    def random_weights(self, seed):
        return {"centre": np.random.default_rng(seed).normal(size=self._size)}

    def forward_and_log_det(self, x, context=None):
        centre, alpha, beta = self._centre_alpha_beta(x, context)
        r = _length(x - centre)
        stretch = 1.0 + beta / (alpha + r)
        return centre + stretch[..., None] * (x - centre), self._log_det(x, alpha, beta, r, stretch)

    def inverse_and_log_det(self, y, context=None):
        centre, alpha, beta = self._centre_alpha_beta(y, context)
        s = _length(y - centre)
        p = s - alpha - beta
        q = tf.abs(p) + tf.sqrt(p**2 + 4.0 * alpha * s)  # twice the larger root's size; the other follows from it
        r = tf.where(p > 0.0, 0.5 * q, 2.0 * alpha * s / q)
        stretch = 1.0 + beta / (alpha + r)
        return centre + (y - centre) / stretch[..., None], -self._log_det(y, alpha, beta, r, stretch)

    def _centre_alpha_beta(self, x, context):
        centre, raw_alpha, raw_beta = self.raw_parameters(x.dtype, context)
        alpha = tf.exp(numerics.bounded(raw_alpha, _LOG_RADIUS_LIMIT))
        return centre, alpha, alpha * tf.math.expm1(numerics.bounded(raw_beta, _LOG_SCALE_LIMIT))

    def _log_det(self, x, alpha, beta, r, stretch):
        along = tf.math.log1p(alpha * beta / (alpha + r) ** 2)
        return tf.broadcast_to((self._size - 1) * tf.math.log(stretch) + along, shapes.batch_shape(x, 1))


def _length(v):
    """`|v|`, with gradient 0 at 0."""
    return tf.sqrt(tf.maximum(tf.reduce_sum(v**2, axis=-1), 1e-30))
