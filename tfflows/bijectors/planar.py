"""Planar flow."""

import math

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors.amortized import Amortized
from tfflows.ops import shapes, tanh_equation

_LEAST_SLOPE = 0.01  # of the bijection along `w`
_LONGEST = 30.0  # of the vectors `w` and `u`
_NEGATIVE_SLOPE = 0.2


class Planar(Amortized):
    """Moves every event along one direction, by a function of its projection on another.

    With vectors `u`, `w` and a number `b`, `h` being `tanh` or the leaky ReLU `h(a) = max(a, a / 5)`:

    * forward: `y = x + u h(w.x + b)`
    * inverse: `x = y - u h(t)`, `t` the root of `t + (w.u) h(t) = w.y + b`
    * forward log-det: `log(1 + (w.u) h'(w.x + b))`

    Both have slopes in (0, 1], so the map is invertible if and only if `w.u > -1`. The raw vectors `u_raw`, `w_raw` may
    be any: they are shortened to less than 30, `v / sqrt(1 + |v|^2 / 900)`, and where `s = w.u` is negative, `u` is
    moved along `w` until `w.u = -0.99 tanh(-s / 0.99)`. (The paper takes `w.u = -1 + log(1 + e^s)`, which has no limit
    at `w = 0` and in floating point reaches -1; here `u` is left alone where nothing has to be done.)

    `event_ndims`: 1. Cost: forward `O(D)`. Inverse `O(D)` and one scalar equation, by Newton's method in about 10 steps
    (tanh) or in closed form (leaky ReLU).

    It starts as the identity, `u = 0`, with a random `w`.

    Args:
      event_size, conditioner, dtype, seed, name: see `Amortized`; the conditioner returns `2 D + 1` values, for the
        weights `u`, `w` and `b`.
      activation: "tanh" or "leaky_relu".

    Raises:
      ValueError: see `Amortized`; an unknown activation.

    Example:

    >>> import numpy as np, tensorflow as tf
    >>> from tfflows.bijectors import Planar
    >>> planar = Planar(2, seed=0)
    >>> _ = planar.u.assign([1.0, -2.0])
    >>> y = planar.forward(tf.ones([8, 2]))
    >>> np.allclose(planar.inverse(tf.identity(y)), 1.0, atol=1e-5)
    True

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770, section 4.1 and
      appendix A.1.
    """

    def __init__(self, event_size, *, activation="tanh", conditioner=None, dtype="float32", seed=None, name="planar"):
        parameters = dict(locals())
        arguments.check_choice(("tanh", "leaky_relu"), activation=activation)
        self._size, self._leaky = event_size, activation == "leaky_relu"
        super().__init__(event_size, {"u": (event_size,), "w": (event_size,), "b": ()}, parameters=parameters)

    def random_weights(self, seed):
        return {"w": np.random.default_rng(seed).normal(size=self._size) / math.sqrt(self._size)}

    def forward_and_log_det(self, x, context=None):
        u, w, b, slope = self._u_w_b_and_slope(x, context)
        value, derivative = self._activation(tf.reduce_sum(w * x, axis=-1) + b)
        return x + u * value[..., None], self._log_det(x, slope, derivative)

    def inverse_and_log_det(self, y, context=None):
        u, w, b, slope = self._u_w_b_and_slope(y, context)
        c = tf.reduce_sum(w * y, axis=-1) + b
        # The root of `t + slope h(t) = c` has the sign of `c`.
        t = c / (1.0 + slope * _leaky_slope(c)) if self._leaky else tanh_equation.solve(slope, c)
        value, derivative = self._activation(t)
        return y - u * value[..., None], -self._log_det(y, slope, derivative)

    def _u_w_b_and_slope(self, x, context):
        """`u`, `w`, `b` as they are used, and `w.u`, which is above -1."""
        u, w, b = self.raw_parameters(x.dtype, context)
        u, w = _shortened(u), _shortened(w)
        raw_slope = tf.reduce_sum(w * u, axis=-1)
        least = 1.0 - _LEAST_SLOPE
        slope = tf.where(raw_slope < 0.0, least * tf.tanh(raw_slope / least), raw_slope)
        along = tf.math.divide_no_nan(slope - raw_slope, tf.reduce_sum(w**2, axis=-1))
        return u + along[..., None] * w, w, b, slope

    def _activation(self, a):
        """`h(a)` and its slope."""
        if self._leaky:
            slope = _leaky_slope(a)
            return slope * a, slope
        value = tf.tanh(a)
        return value, (1.0 - value) * (1.0 + value)

    def _log_det(self, x, slope, derivative):
        return tf.broadcast_to(tf.math.log1p(slope * derivative), shapes.batch_shape(x, 1))


def _leaky_slope(a):
    return tf.where(a < 0.0, tf.constant(_NEGATIVE_SLOPE, a.dtype), tf.ones([], a.dtype))


def _shortened(v):
    return v / tf.sqrt(1.0 + tf.reduce_sum(v**2, axis=-1, keepdims=True) / _LONGEST**2)
