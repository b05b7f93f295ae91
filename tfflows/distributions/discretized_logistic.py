"""A logistic distribution in bins."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.arguments import check_integer

tfd = tfp.distributions

_LOG_SCALES = (-7.0, 7.0)  # a bin of 256 is 2 / 255 = exp(-4.85) wide


# Not `tfd.QuantizedDistribution` of a `tfd.Logistic`, a difference of almost equal logarithms: in float32 at a scale
# of exp(7) it errs by 3e-5 of the value, this by 1e-7, and its gradient by `loc` is 0 where it should be -5.5e-7.
class DiscretizedLogistic(tfd.Distribution):
    """Integers `x` from 0 to `L - 1`, with the mass of a logistic in bins of equal width on `[-1, 1]`.

    With `v = 2 x / (L - 1) - 1`, half a bin `h = 1 / (L - 1)` and `s = exp(clip(log_scale, -7, 7))`:

        P(x) = sigmoid((v + h - loc) / s) - sigmoid((v - h - loc) / s)

    the outermost bins reaching to infinity; any other number has none. In logarithms, with `a > b` the two arguments,
    `log P = log sigmoid(a) + log sigmoid(-b) + log(1 - exp(b - a))`: finite, with a gradient, however far the bin is.

    Args:
      loc, log_scale: floating tensors that broadcast, the batch.
      levels: int >= 2, `L`.
      name: str.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.distributions import DiscretizedLogistic
    >>> pixel = DiscretizedLogistic(loc=0.2, log_scale=-1.0, levels=17)
    >>> round(float(tf.reduce_sum(pixel.prob(tf.range(17)))), 5)
    1.0

    References:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934. Salimans, Karpathy, Chen, Kingma. PixelCNN++. ICLR 2017,
      arXiv 1701.05517, section 2.1.
    """

    def __init__(self, loc, log_scale, *, levels=256, name="discretized_logistic"):
        parameters = dict(locals())
        check_integer(2, levels=levels)
        self._loc = tf.convert_to_tensor(loc)
        self._log_scale = tf.clip_by_value(tf.convert_to_tensor(log_scale, self._loc.dtype), *_LOG_SCALES)
        self._levels = levels
        super().__init__(
            dtype=self._loc.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"loc": tfp.util.ParameterProperties(), "log_scale": tfp.util.ParameterProperties()}

    def _event_shape(self):
        return tf.TensorShape([])

    def _log_prob(self, x):
        last, x = self._levels - 1, tf.cast(x, self.dtype)
        centred = 2 * x / last - 1 - self._loc
        inverse_scale = tf.exp(-self._log_scale)
        above, below = (centred + 1 / last) * inverse_scale, (centred - 1 / last) * inverse_scale
        width = 2 / last * inverse_scale
        log_below_upper, log_above_lower = tf.math.log_sigmoid(above), tf.math.log_sigmoid(-below)
        # Not `tfp.math.log1mexp`, whose gradient is NaN below half a unit in the last place of 1.
        inside = log_below_upper + log_above_lower + tf.math.log(-tf.math.expm1(-width))
        log_prob = tf.where(x <= 0, log_below_upper, tf.where(x >= last, log_above_lower, inside))
        return tf.where((x >= 0) & (x <= last) & (x == tf.floor(x)), log_prob, -math.inf)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        noise = tfd.Logistic(tf.zeros([], self.dtype), 1.0).sample(shape, seed=seed)
        return self._nearest(self._loc + tf.exp(self._log_scale) * noise)

    def median(self):
        """The level whose bin holds `loc`. (The mode may be an outermost bin, for all the mass beyond it.)"""
        return self._nearest(self._loc) + tf.zeros_like(self._log_scale)

    def _nearest(self, v):
        """The level whose bin holds `v`."""
        return tf.clip_by_value(tf.round((v + 1) / 2 * (self._levels - 1)), 0, self._levels - 1)
