"""Axes of events and batches."""

import numpy as np
import tensorflow as tf


def sum_event(x, ndims):
    """Sums the last `ndims` axes of `x`."""
    return tf.reduce_sum(x, axis=list(range(-ndims, 0))) if ndims else x


def batch_shape(x, event_ndims):
    """Shape of `x` without its last `event_ndims` axes, static where it is known."""
    static = x.shape[: x.shape.rank - event_ndims]
    return tf.TensorShape(static) if static.is_fully_defined() else tf.shape(x)[: x.shape.rank - event_ndims]


def broadcast_batch(value, like, *, event_ndims=1):
    """Broadcasts the batch axes of `value` (all but the last) to those of `like` (all but its last `event_ndims`)."""
    if value.shape[:-1].is_fully_defined() and value.shape[:-1] == like.shape[: like.shape.rank - event_ndims]:
        return value
    batch = tf.shape(like)[: like.shape.rank - event_ndims]
    return tf.broadcast_to(value, tf.concat([batch, tf.shape(value)[-1:]], axis=0))


def permute_last_axis(x, permutation):
    """`x[..., permutation]` with a gradient that is the inverse gather.

    TensorFlow's own gradient of a gather is a scatter, many times slower; for a permutation it is not needed.

    Args:
      x: `Tensor` `[..., n]`.
      permutation: integer array `[n]`, each of `0 ... n-1` once.

    Returns:
      `Tensor` `[..., n]`.
    """
    permutation = np.asarray(permutation)
    if (permutation == np.arange(len(permutation))).all():
        return x
    inverse = np.argsort(permutation)

    @tf.custom_gradient
    def run(x):
        return tf.gather(x, permutation, axis=-1), lambda dy: permute_last_axis(dy, inverse)

    return run(x)
