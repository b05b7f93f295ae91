"""Assertions inside of a step, for data that no one has seen whole: the first bad batch stops it (XLA drops them)."""

import tensorflow as tf

# By which an error is recognised.
BAD_EVENTS, BAD_LABELS, OUTSIDE = "tfflows: bad events", "tfflows: labels out of range", "tfflows: outside"


def required(condition, x, mark):
    """`x`, where a boolean `Tensor` is true throughout; an error with this mark in it otherwise."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(condition), [mark])]):
        return tf.identity(x)


def in_range(x, end, mark):
    """Integers `x`, if they are from 0 to `end - 1`; an error with this mark in it otherwise."""
    x = tf.convert_to_tensor(x)
    wide = tf.cast(x, tf.int64)
    return required((wide >= 0) & (wide < end), x, mark)
