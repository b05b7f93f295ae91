"""Assertions in the graph of a training step: the first bad batch stops it, with a mark by which it is recognised."""

import tensorflow as tf

BAD_EVENTS, BAD_LABELS = "tfflows: bad events", "tfflows: labels out of range"


def required(condition, x, mark):
    """`x`, if a condition, a boolean `Tensor`, holds everywhere; an error that contains the mark otherwise."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(condition), [mark])]):
        return tf.identity(x)


def checked_in_graph(x, *context, dequantization=None, num_classes=None):
    """A batch in ops that stop the step at the first bad value (XLA drops the checks).

    Args:
      x: events: floats, finite, or integers for `dequantization`.
      *context: at most one, labels from 0 to `num_classes - 1` when there are classes.
      dequantization: `layers.Dequantization` or `None`.
      num_classes: int or `None`.

    Returns:
      `(x, *context)`.
    """
    if dequantization is None:
        x = tf.debugging.check_numerics(x, BAD_EVENTS)
    else:
        x = _in_range(x, dequantization.levels, BAD_EVENTS)
    if context and num_classes is not None:
        context = (_in_range(context[0], num_classes, BAD_LABELS),)
    return x, *context


def _in_range(x, end, mark):
    x = tf.convert_to_tensor(x)
    wide = tf.cast(x, tf.int64)
    return required((wide >= 0) & (wide < end), x, mark)
