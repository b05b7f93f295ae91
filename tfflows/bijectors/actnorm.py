"""Activation normalization."""

import numpy as np
import tensorflow as tf

from tfflows.joint import KerasBijector
from tfflows.ops import shapes, standardization
from tfflows.ops.elementwise import affine


class ActNorm(KerasBijector):
    """A shift and a positive scale for each entry of the last axis, initialised from data by `adapt`.

    * forward: `y = x * exp(log_scale) + shift`
    * inverse: `x = (y - shift) * exp(-log_scale)`
    * forward log-det: `pixels * sum(log_scale)`, `pixels` the product of the event's other axes.

    `adapt(y)` sets `shift` to the mean and `exp(log_scale)` to the standard deviation of `y` over all axes but the
    last, so that `inverse(y)` has mean 0 and variance 1 (Kingma and Dhariwal 2018, section 3.1, which writes the
    data-to-latent direction); `ops.standardization` says what is taken of an entry that does not vary, and, of
    vectors, of one whose moments are ruled by outliers. It acts once:
    the flag `adapted` is a weight, saved with the others. Nothing else, no `forward` and no sampling, initialises.

    `event_ndims`: the rank of `event_shape`. Cost: elementwise in both directions.

    Args:
      event_shape: shape of the event, channels last; all but the last entry may be `None`.
      trainable: bool; `False` keeps what `adapt` set (standardisation).
      dtype, name: see `joint.KerasBijector`.

    Raises:
      ValueError: an empty `event_shape`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import ActNorm
    >>> actnorm = ActNorm([2])
    >>> x = actnorm.adapt(tf.constant([[0.0, 10.0], [2.0, 30.0]]))
    >>> x.numpy().round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039.
    """

    def __init__(self, event_shape, *, trainable=True, dtype="float32", name="actnorm"):
        parameters = dict(locals())
        shape = shapes.known_event_shape(event_shape, last_axis_only=True)
        super().__init__(forward_min_event_ndims=shape.rank, event_shape=shape, parameters=parameters)
        self.shift = self.add_weight(name="shift", shape=(shape[-1],), trainable=trainable, dtype=dtype)
        self.log_scale = self.add_weight(name="log_scale", shape=(shape[-1],), trainable=trainable, dtype=dtype)
        self._adapted = self.add_weight(name="adapted", shape=(), trainable=False, dtype="int64")

    @property
    def adapted(self):
        """Whether `adapt` has run."""
        return bool(self._adapted.numpy())

    def forward_and_log_det(self, x, context=None):
        y, log_scale = affine.scaled(x, *self._shift_and_log_scale(x.dtype))
        return y, shapes.log_det_of_pixels(x, self.forward_min_event_ndims, tf.reduce_sum(log_scale))

    def inverse_and_log_det(self, y, context=None):
        x, minus_log_scale = affine.unscaled(y, *self._shift_and_log_scale(y.dtype))
        return x, shapes.log_det_of_pixels(y, self.forward_min_event_ndims, tf.reduce_sum(minus_log_scale))

    def initialise_from(self, y, context):
        rows, robust = shapes.finite_rows(y, self.name), self.forward_min_event_ndims == 1
        location, scale, varies = standardization.location_and_scale(rows, robust=robust)
        self.shift.assign(location)
        self.log_scale.assign(np.log(scale))
        lost = rows.dtype == np.float64 and (varies & standardization.lost(location, scale, np.float32)).any()
        self._adapted.assign(2 if lost else 1)

    @property
    def needs_float64(self):
        """Whether float32 would lose the spread of the float64 data that it was adapted to."""
        return int(self._adapted.numpy()) == 2

    def _shift_and_log_scale(self, dtype):
        return tf.cast(self.shift.value, dtype), tf.cast(self.log_scale.value, dtype)
