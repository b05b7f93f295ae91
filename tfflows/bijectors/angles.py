"""Angles: entries that are points of a circle."""

import math
import numbers
import warnings
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import shapes

_ROUNDING = 1e-4  # of a period, by which data may leave it


class Angles(KerasBijector):
    """Entries that are angles, in radians about their mean direction, each number for all that are whole turns away.

    For an entry of period `P`, with `wrap(a, start, P) = a - P floor((a - start) / P)` in `[start, start + P)`:

    * inverse, data to latent: `x = wrap(2 pi y / P - location, -pi, 2 pi)`
    * forward: `y = wrap(P / (2 pi) (x + location), start, P)`
    * forward log-det: the sum of `log(P / (2 pi))` over the angles

    and the others stay as they are. A bijection of circles: a density after it has that period, and is 1 over one turn.

    `adapt(y)` sets `location` to the direction of the mean of `exp(2 pi i y / P)`, and `start`, which is `-P / 2`, to 0
    if the data are in `[0, P]` and not in `[-P / 2, P / 2]`: samples are where the data were. It warns of data beyond
    both, which may be in another unit.

    `event_ndims`: 1. Cost: elementwise in both directions.

    Args:
      event_size: int, `D`.
      circular: ints, the entries that are angles, at least one.
      period: float, or one for each of `circular`.
      centred: bool, whether `adapt` does anything; else `location` is 0.
      dtype, name: see `joint.KerasBijector`.

    Raises:
      ValueError: entries that are not there, or twice; a period that is not positive, or periods for other entries.

    Example:

    >>> import math, tensorflow as tf
    >>> from tfflows.bijectors import Angles
    >>> clock = Angles(2, [0], period=24.0)
    >>> clock.forward(tf.constant([math.pi / 2, 5.0])).numpy().tolist()
    [6.0, 5.0]
    >>> round(float(clock.inverse(tf.constant([30.0, 5.0]))[0] / math.pi), 5)
    0.5
    """

    def __init__(self, event_size, circular, *, period=2 * math.pi, centred=True, dtype="float32", name="angles"):
        parameters = dict(locals())
        arguments.check_integer(event_size=event_size)
        super().__init__(forward_min_event_ndims=1, event_shape=[event_size], parameters=parameters, name=name)
        self._places = places(circular, event_size)
        self._periods = period_of_each(period, len(self._places))
        self._is_angle = np.isin(np.arange(event_size), self._places)
        self._period = np.full([event_size], 2 * math.pi)
        self._period[self._places] = self._periods
        self._adapted = None
        if centred:
            options = {"trainable": False, "dtype": dtype}
            self.location = self.add_weight(name="location", shape=(event_size,), **options)
            self.start = self.add_weight(name="start", value=-0.5 * self._period, **options)
            self._adapted = self.add_weight(name="adapted", shape=(), trainable=False, dtype="int64")

    @property
    def adapted(self):
        """Whether `adapt` has run, if it does anything."""
        return self._adapted is None or bool(self._adapted.numpy())

    def forward_and_log_det(self, x, context=None):
        period = tf.constant(self._period, x.dtype)
        y = (x + self._location(x.dtype)) * tf.constant(self._period / (2 * math.pi), x.dtype)
        start = -0.5 * period if self._adapted is None else tf.cast(self.start.value, x.dtype)
        return self._where_angle(_wrapped(y, start, period), x), self._log_det(x, 1.0)

    def inverse_and_log_det(self, y, context=None):
        x = y * tf.constant(2 * math.pi / self._period, y.dtype) - self._location(y.dtype)
        turn = tf.constant(2 * math.pi, y.dtype)
        return self._where_angle(_wrapped(x, -0.5 * turn, turn), y), self._log_det(y, -1.0)

    def initialise_from(self, y, context):
        rows = shapes.finite_rows(y, self.name)[:, self._places].astype(np.float64)
        half, low, high = 0.5 * self._periods, rows.min(axis=0), rows.max(axis=0)
        room = _ROUNDING * self._periods
        about_0 = (low >= -half - room) & (high <= half + room)
        from_0 = ~about_0 & (low >= -room) & (high <= 2 * half + room)
        for i in np.flatnonzero(~about_0 & ~from_0):
            warnings.warn(
                f"{self.name}: column {self._places[i]} is from {low[i]:.6g} to {high[i]:.6g}, beyond its period of "
                f"{self._periods[i]:.6g}, and taken modulo that. Angles in degrees have a `period` of 360",
                stacklevel=2,
            )
        location, start = np.zeros_like(self._period), -0.5 * self._period
        location[self._places] = np.angle(np.exp(2j * math.pi * rows / self._periods).mean(axis=0))
        start[self._places] = np.where(from_0, 0.0, -half)
        self.location.assign(location)
        self.start.assign(start)
        self._adapted.assign(1)

    def _location(self, dtype):
        return tf.zeros([], dtype) if self._adapted is None else tf.cast(self.location.value, dtype)

    def _where_angle(self, angles, others):
        return angles if self._is_angle.all() else tf.where(self._is_angle, angles, others)

    def _log_det(self, x, sign):
        log_det = sign * np.log(self._periods / (2 * math.pi)).sum()
        return tf.fill(shapes.batch_shape(x, 1), tf.constant(log_det, x.dtype))


def entries(circular):
    """`circular` as a tuple of ints, or `True` for all entries; anything else is a `ValueError`."""
    if circular is True:
        return True
    given = tuple(circular) if isinstance(circular, Iterable) else (None,)
    if not all(isinstance(i, numbers.Integral) and not isinstance(i, bool) for i in given):
        raise ValueError(f"`circular` must be True or hold the numbers of entries. Received: {circular!r}")
    return tuple(map(int, given))


def places(circular, size):
    """The entries of events of that size which are angles, a list of ints as they are given; `True` stands for all.

    Raises:
      ValueError: as `entries`; none, one that is not there, or one twice.
    """
    given = entries(circular)
    found = list(range(size)) if given is True else [i + size * (i < 0) for i in given]
    if not found or len(set(found)) < len(found) or min(found) < 0 or max(found) >= size:
        raise ValueError(f"`circular` must hold entries of 0 to {size - 1}, each once. Received: {circular}")
    return found


def period_of_each(period, count):
    """The periods of so many angles, an array `[count]`.

    Raises:
      ValueError: one that is not positive and finite, or another number of them.
    """
    given = period if isinstance(period, (tuple, list, np.ndarray)) else [period] * count
    if len(given) != count or not all(isinstance(each, numbers.Real) and 0 < each < math.inf for each in given):
        raise ValueError(f"`period` must be a positive number, or {count} of them, one an angle. Received: {period!r}")
    return np.array(given, np.float64)


def _wrapped(x, start, period):
    """`x` in `[start, start + period)`, whatever the rounding; its derivative is 1."""
    y = x - period * tf.stop_gradient(tf.floor((x - start) / period))
    return tf.where(y >= start + period, start, tf.maximum(y, start))
