"""A learned Gaussian prior as a bijector."""

import tensorflow as tf

from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import shapes
from tfflows.ops.elementwise import Affine


class DiagonalAffine(KerasBijector):
    """A shift and a scale for every entry of the event, learned, and moved by the context when there is a conditioner.

    With learned `shift` and `raw`, and with `d_shift, d_raw = conditioner(context)`:

    * `log_scale = bound(raw + d_raw)`
    * forward: `y = x * exp(log_scale) + shift + d_shift`
    * inverse: `x = (y - shift - d_shift) * exp(-log_scale)`
    * forward log-det: `sum(log_scale)`

    On a standard normal it gives the diagonal Gaussian `N(shift + d_shift, exp(log_scale))`: the learned top prior of
    Glow, class-conditional with a conditioner of labels. It starts as the identity.

    `event_ndims`: the rank of `event_shape`. Cost: elementwise, and one conditioner pass, in each direction.

    Args:
      event_shape: shape of the event.
      conditioner: built Keras layer from the context alone to `2 C` values, `C` the size of the last axis, shared by
        all positions; `None` for none.
      log_scale_bound: see `ops.elementwise.Affine`.
      dtype, name: see `joint.KerasBijector`.

    Raises:
      ValueError: an unknown event shape, a missing context, or a conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import DiagonalAffine
    >>> DiagonalAffine([3]).forward(tf.ones([2, 3])).numpy().tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039, section 4 and
      the published code (`prior`).
    """

    def __init__(
        self, event_shape, *, conditioner=None, log_scale_bound="tanh", dtype="float32", name="diagonal_affine"
    ):
        parameters = dict(locals())
        shape = shapes.known_event_shape(event_shape)
        self._map = Affine(log_scale_bound)
        super().__init__(forward_min_event_ndims=shape.rank, event_shape=shape, parameters=parameters, name=name)
        self.shift = self.add_weight(name="shift", shape=shape.as_list(), dtype=dtype)
        self.raw_log_scale = self.add_weight(name="raw_log_scale", shape=shape.as_list(), dtype=dtype)
        self.conditioner = None if conditioner is None else self.track_layer(conditioner)

    def forward_and_log_det(self, x, context=None):
        y, log_scale = self._map.forward(x, *self._shift_and_raw(x, context))
        return y, self._log_det(x, log_scale)

    def inverse_and_log_det(self, y, context=None):
        x, minus_log_scale = self._map.inverse(y, *self._shift_and_raw(y, context))
        return x, self._log_det(y, minus_log_scale)

    def _shift_and_raw(self, x, context):
        shift, raw = tf.cast(self.shift.value, x.dtype), tf.cast(self.raw_log_scale.value, x.dtype)
        if self.conditioner is None:
            return shift, raw
        size, positions = 2 * x.shape[-1], self.forward_min_event_ndims - 1
        moved = conditioning.from_context(self, context, size=size, dtype=x.dtype)
        moved = tf.reshape(moved, tf.concat([tf.shape(moved)[:-1], [1] * positions, [size]], axis=0))
        d_shift, d_raw = tf.split(moved, 2, axis=-1)
        return shift + d_shift, raw + d_raw

    def _log_det(self, x, log_scale):
        rank = self.forward_min_event_ndims
        total = shapes.sum_event(log_scale + tf.zeros(x.shape[-rank:], x.dtype), rank)
        return tf.broadcast_to(total, shapes.batch_shape(x, rank))
