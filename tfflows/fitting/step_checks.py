"""Assertions inside of a step, for data that no one has seen whole: the first bad batch stops it (XLA drops them)."""

import tensorflow as tf

# By which an error is recognised.
BAD_EVENTS, BAD_LABELS, OUTSIDE = "tfflows: bad events", "tfflows: labels out of range", "tfflows: outside"
BAD_WEIGHTS, BAD_LOSS = "tfflows: bad weights", "tfflows: loss not finite"
BAD_GRADIENT = "tfflows: gradient not finite"


def required(condition, x, mark):
    """`x`, where a boolean `Tensor` is true throughout; an error with this mark in it otherwise."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(condition), [mark])]):
        return tf.identity(x)


def known(x, event_shape):
    """A batch as a `Tensor`, with the static shape that its events must have where that was lost on the way."""
    x = tf.convert_to_tensor(x)
    return x if x.shape.rank and x.shape[1:].is_fully_defined() else tf.ensure_shape(x, [None, *event_shape])


def in_range(x, end, mark, start=0):
    """Integers `x`, if they are from `start` to `end - 1`; an error with this mark in it otherwise."""
    x = tf.convert_to_tensor(x)
    if start <= x.dtype.min and x.dtype.max < end:
        return x
    wide = tf.cast(x, tf.int64)
    return required((wide >= start) & (wide < end), x, mark)


def weights(values, checked):
    """Weights of a batch, `[batch]` or `[batch, 1]`, as floats `[batch]`, finite if they are `checked`; or `None`."""
    if values is None:
        return None
    values = tf.convert_to_tensor(values)
    rank = values.shape.rank
    if rank not in (None, 1) and (rank != 2 or values.shape[1] not in (None, 1)):
        raise ValueError(f"Weights of a batch must have shape [batch]. Received: shape {values.shape}")
    values = tf.reshape(values, [-1]) if rank != 1 else values
    values = values if values.dtype.is_floating else tf.cast(values, tf.float32)
    return tf.debugging.check_numerics(values, BAD_WEIGHTS) if checked else values


@tf.custom_gradient
def finite(y):
    """`y`, whose gradient stops a step with an error where it is not finite, before a weight is written."""

    def gradient(upstream):
        return required(tf.math.is_finite(y), upstream, BAD_LOSS)

    return tf.identity(y), gradient
