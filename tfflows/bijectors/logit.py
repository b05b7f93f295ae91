"""Logit preprocessing of bounded data."""

import math

import numpy as np
import tensorflow as tf

from tfflows.joint import KerasBijector


class Logit(KerasBijector):
    """Maps an interval to the real line, kept away from the ends by `alpha`.

    With `p = alpha + (1 - 2 alpha) (x - low) / (high - low)`:

    * forward, `[low, high] -> R`: `y = log p - log(1 - p)`
    * inverse: `p = sigmoid(y)`, `x = low + (high - low) (p - alpha) / (1 - 2 alpha)`
    * forward log-det: `log((1 - 2 alpha) / (high - low)) - log p - log(1 - p)`

    A flow ends with `tfb.Invert(Logit(...))`, its forward direction being latent to data; all of `R` then maps to
    the slightly larger interval that `alpha` opens, so a small mass may lie outside `[low, high]`: the likelihood
    stays exact. Where `p` is not between 0 and 1 the log-det is `-inf`, so that densities are 0, and `y` that of the
    nearest `p` that is.

    `event_ndims`: 0, elementwise. Computed from `x` through `log(p)` and `log1p(-p)`, from `y` through softplus.

    Args:
      alpha: float in [0, 0.5), 0.05 in RealNVP for images.
      low, high: ends of the interval.

    Raises:
      ValueError: `alpha` outside [0, 0.5), or `low >= high`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Logit
    >>> Logit(alpha=0.05, high=256.0).forward(tf.constant([128.0])).numpy().tolist()
    [0.0]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803, section 4.1.
    """

    def __init__(self, alpha=0.05, *, low=0.0, high=1.0, name="logit"):
        parameters = dict(locals())
        if not 0.0 <= alpha < 0.5:
            raise ValueError(f"`alpha` must be in [0, 0.5). Received: {alpha}")
        if not low < high:
            raise ValueError(f"`low` must be below `high`. Received: low={low}, high={high}")
        self._alpha, self._low, self._high = float(alpha), float(low), float(high)
        self._slope = (1.0 - 2.0 * self._alpha) / (self._high - self._low)
        super().__init__(forward_min_event_ndims=0, parameters=parameters, name=name)

    def forward_and_log_det(self, x, context=None):
        p, limits = self._alpha + self._slope * (x - self._low), np.finfo(x.dtype.as_numpy_dtype)
        inside = tf.clip_by_value(p, limits.tiny, 1.0 - limits.epsneg)
        log_p, log_q = tf.math.log(inside), tf.math.log1p(-inside)
        return log_p - log_q, tf.where(p == inside, math.log(self._slope) - log_p - log_q, -math.inf)

    def inverse_and_log_det(self, y, context=None):
        x = self._low + (tf.sigmoid(y) - self._alpha) / self._slope
        return x, -math.log(self._slope) - tf.nn.softplus(y) - tf.nn.softplus(-y)
