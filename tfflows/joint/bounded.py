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


class Guarded(KerasBijector):
    """A native elementwise bijector, whose inverse log-det is `-inf` where its inverse is not a number.

    There the inverse is that of a point inside, so that densities are `-inf` and gradients of the others finite. A
    number that differs from an end by less than the smallest normal number of its dtype is at the end: some compilers
    take it for 0.
    """

    def __init__(self, bijector):
        super().__init__(forward_min_event_ndims=0, parameters=dict(locals()), name=bijector.name)
        self.native, self._ends = bijector, _ENDS[_kind(bijector)]

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
        if _kind(self.native) == "NormalCDF":
            x = quantiles.normal(y)
            log_det = 0.5 * (math.log(2.0 * math.pi) + x * x)
        else:
            x, log_det = self.native.inverse(y), self.native.inverse_log_det_jacobian(y, 0)
        return x, tf.where(outside, -math.inf, log_det)

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
    for link in _links(bijector) or [bijector]:
        if isinstance(link, Guarded):
            found = link.outside(y) if found is None else found | link.outside(y)
        elif isinstance(link, KerasBijector) or link.forward_min_event_ndims:
            break
        y = link.inverse(tf.identity(y))
    return found


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


def _guarded(bijector):
    if not isinstance(bijector, KerasBijector) and _kind(bijector) in _ENDS:
        return Guarded(bijector)
    links = _links(bijector)
    guarded = [_guarded(link) for link in links]
    same = all(new is old for new, old in zip(guarded, links))
    return bijector if same else bijector.copy(bijectors=guarded)


def _links(bijector):
    """The links of a chain, ours or TFP's, data end first; none of anything else."""
    return list(bijector.bijectors) if _kind(bijector) == "Chain" else []


def _kind(bijector):
    return type(bijector).__name__.lstrip("_")  # TFP has some classes twice
