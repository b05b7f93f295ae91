"""Assertions inside of a step, for data that no one has seen whole: the first bad batch stops it (XLA drops them)."""

import tensorflow as tf

# By which an error is recognised.
BAD_EVENTS, BAD_LABELS, OUTSIDE = "tfflows: bad events", "tfflows: labels out of range", "tfflows: outside"
BAD_LOSS = "tfflows: loss not finite"


def required(condition, x, mark):
    """`x`, where a boolean `Tensor` is true throughout; an error with this mark in it otherwise."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(condition), [mark])]):
        return tf.identity(x)


def in_range(x, end, mark):
    """Integers `x`, if they are from 0 to `end - 1`; an error with this mark in it otherwise."""
    x = tf.convert_to_tensor(x)
    wide = tf.cast(x, tf.int64)
    return required((wide >= 0) & (wide < end), x, mark)


@tf.custom_gradient
def finite(y):
    """`y`, whose gradient stops a step with an error where it is not finite, before a weight is written."""

    def gradient(upstream):
        return required(tf.math.is_finite(y), upstream, BAD_LOSS)

    return tf.identity(y), gradient
