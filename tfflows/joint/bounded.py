"""Native bijectors onto an interval as a density needs them: `-inf` outside of it, one function under any compiler."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint.keras_bijector import KerasBijector
from tfflows.ops import quantiles

tfb, tfd = tfp.bijectors, tfp.distributions

_UNIT = ("GompertzCDF", "GumbelCDF", "KumaraswamyCDF", "MoyalCDF", "NormalCDF", "RayleighCDF", "WeibullCDF")
_ENDS = {
    **dict.fromkeys(_UNIT, lambda bijector: (0.0, 1.0)),
    "Exp": lambda bijector: (0.0, None),
    "Sigmoid": lambda bijector: (0.0, 1.0) if bijector.low is None else (bijector.low, bijector.high),
    "SoftClip": lambda bijector: (bijector.low, bijector.high),
    "Softplus": lambda bijector: (0.0 if bijector.low is None else bijector.low, None),
    "Softsign": lambda bijector: (-1.0, 1.0),
    "Tanh": lambda bijector: (-1.0, 1.0),
}


def _as_it_is(native, y):
    return native.inverse(y), native.inverse_log_det_jacobian(y, 0)


def _normal_cdf(native, y):
    x = quantiles.normal(y)
    return x, 0.5 * (math.log(2.0 * math.pi) + x * x)


def _moyal_cdf(native, y):
    z = quantiles.normal(0.5 * y)
    x = native.loc - native.scale * tf.math.log(z * z)
    return x, tf.math.log(native.scale / -z) + 0.5 * (math.log(2.0 * math.pi) + z * z)


def _kumaraswamy_cdf(native, y):
    """`y = 1 - (1 - x^a)^b`."""
    a, b = native.concentration1, native.concentration0
    log_rest = tf.math.log1p(-y)
    log_power = tf.math.log(-tf.math.expm1(log_rest / b))
    return tf.exp(log_power / a), (1 / a - 1) * log_power + (1 / b - 1) * log_rest - tf.math.log(a * b)


def _soft_clip(native, y):
    """With `s = softplus(x)` on `[0, w]`, in units of the softness: `e^-s = 1 + (1 + e^-w) (e^-d - 1)`."""
    if native.low is None or native.high is None:
        return _as_it_is(native, y)
    softness = tf.cast(1.0 if native.hinge_softness is None else native.hinge_softness, y.dtype)
    width = (native.high - native.low) / softness
    slope = tf.math.softplus(width) / width
    below, above = ((y - native.low) / softness * slope, (native.high - y) / softness * slope)
    low, one = below < above, tf.ones_like(y)
    below_, above_ = tf.where(low, below, 0.1 * one), tf.where(low, 0.1 * one, above)
    near = -tf.math.log1p((1 + tf.exp(-width)) * tf.math.expm1(-below_))
    s = tf.where(low, near, width - above_ - tf.math.log(-tf.math.expm1(-above_)))
    log_part = tf.math.log(-tf.math.expm1(-s))
    log_det = tf.math.log1p(tf.exp(-width)) - below + s - log_part + tf.math.log(slope)
    return native.low + softness * (s + log_part), log_det


# Inverses that TFP has less exact near an end, or that XLA does not have there.
_EXACT = {
    "KumaraswamyCDF": _kumaraswamy_cdf,
    "MoyalCDF": _moyal_cdf,
    "NormalCDF": _normal_cdf,
    "SoftClip": _soft_clip,
}


class Guarded(KerasBijector):
    """A native elementwise bijector, whose inverse log-det is `-inf` where its inverse is not a number.

    There the inverse is that of a point inside, so that densities are `-inf` and gradients of the others finite. A
    number that differs from an end by less than the smallest normal number of its dtype is at the end: some compilers
    take it for 0.

    Args:
      bijector: native, of a kind that has ends.
      beyond: float, what the inverse gives outside in the place of that point, or `None`.
    """

    def __init__(self, bijector, beyond=None):
        super().__init__(forward_min_event_ndims=0, parameters=dict(locals()), name=bijector.name)
        self.native, self._ends, self._beyond = bijector, _ENDS[_kind(bijector)], beyond

    def outside(self, y):
        """Which entries are not in the open interval; NaN is neither in nor out."""
        low, high = self._ends(self.native)
        least, found = np.finfo(y.dtype.as_numpy_dtype).tiny, tf.zeros_like(y, tf.bool)
        for room in (None if low is None else y - low, None if high is None else high - y):
            found = found if room is None else found | (room < least)
        return found

    def forward_and_log_det(self, x, context=None):
        x = tf.identity(x)  # TFP's cache has not seen it
        return self.native.forward(x), self.native.forward_log_det_jacobian(x, 0)

    def inverse_and_log_det(self, y, context=None):
        outside = self.outside(y)
        y = tf.where(outside, self._between(y), y)
        exact = _EXACT.get(_kind(self.native), _as_it_is)
        x, log_det = exact(self.native, y)
        if self._beyond is not None:
            x = tf.where(outside, tf.constant(self._beyond, x.dtype), x)
        return x, tf.where(outside, tf.constant(-math.inf, log_det.dtype), log_det)

    def _between(self, y):
        """A point of the interval."""
        low, high = (None if end is None else tf.cast(end, y.dtype) for end in self._ends(self.native))
        if low is None or high is None:
            return (high - 1.0 if low is None else low + 1.0) + tf.zeros_like(y)
        return 0.5 * (low + high) + tf.zeros_like(y)


def density(distribution):
    """The distribution for its log-probabilities: with `Guarded` parts where there are any to guard, else itself.

    It uses the same parts otherwise; a kind of `tfd.TransformedDistribution` with a density of its own is left alone.
    """
    bijector = _guarded(distribution.bijector)
    if bijector is distribution.bijector or type(distribution)._log_prob is not tfd.TransformedDistribution._log_prob:
        return distribution
    return tfd.TransformedDistribution(distribution.distribution, bijector)


def outside(bijector, y):
    """Which entries of events are outside of the support that the guarded parts nearest to the data leave.

    Args:
      bijector: of a `density`.
      y: `Tensor` `[..., *event_shape]`.

    Returns:
      Boolean `Tensor` like `y`, or `None` if there is no such part before the first that is not elementwise.
    """
    found = None
    for link in _flat(bijector):
        if isinstance(link, Guarded):
            found = link.outside(y) if found is None else found | link.outside(y)
        elif isinstance(link, KerasBijector) or link.forward_min_event_ndims:
            break
        y = link.inverse(tf.identity(y))
    return found


def latents(bijector):
    """The bijector for latents: its native parts as exact as for densities, and NaN outside of their intervals."""
    return _guarded(bijector, math.nan)


def check_inside(bijector, x, what):
    """Refuses an array of events that touch the end of the support, where they have no likelihood, or are beyond.

    Raises:
      ValueError: how many, and where the first is.
    """
    found = outside(bijector, tf.convert_to_tensor(x))
    if found is not None and (bad := np.asarray(found)).any():
        first = tuple(np.argwhere(bad)[0].tolist())
        raise ValueError(
            f"`{what}` must be inside of the flow's support, its ends not included: move values away from them first. "
            f"Received: {int(bad.sum())} values that are not, the first {x[first]} at index {first}"
        )


def _guarded(bijector, beyond=None):
    if not isinstance(bijector, KerasBijector) and _kind(bijector) in _ENDS:
        return Guarded(bijector, beyond)
    links = _links(bijector)
    guarded = [_guarded(link, beyond) for link in links]
    same = all(new is old for new, old in zip(guarded, links))
    return bijector if same else bijector.copy(bijectors=guarded)


def _links(bijector):
    """The links of a chain, ours or TFP's, data end first; none of anything else."""
    return list(bijector.bijectors) if _kind(bijector) == "Chain" else []


def _flat(bijector):
    links = _links(bijector)
    return [each for link in links for each in _flat(link)] if links else [bijector]


def _kind(bijector):
    return type(bijector).__name__.lstrip("_")  # TFP has some classes twice
