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


def broadcast_batch(value, batch, trailing, *, static):
    """Broadcasts the batch axes of `value`, all but its last `trailing`, to the shape `batch`.

    Args:
      value: `Tensor` `[..., *rest]`, `rest` of rank `trailing` and known.
      batch: integer `Tensor`, the shape wanted.
      trailing: int.
      static: `tf.TensorShape` of `batch`, as far as it is known.

    Returns:
      `Tensor` `[*batch, *rest]`.
    """
    rest = value.shape[value.shape.rank - trailing :]
    if value.shape[: value.shape.rank - trailing].is_fully_defined() and value.shape == static + rest:
        return value
    value = tf.broadcast_to(value, tf.concat([batch, rest.as_list()], axis=0) if trailing else batch)
    return tf.ensure_shape(value, static + rest)


def permute_last_axis(x, permutation):
    """`x[..., permutation]`, whose gradient is the inverse permutation.

    By unstacking and stacking: TensorFlow's gradient of a gather is a scatter, many times slower, and one of our own
    (`tf.custom_gradient`) would keep every traced graph alive.

    Args:
      x: `Tensor` `[..., n]`.
      permutation: integer array `[n]`, each of `0 ... n-1` once.

    Returns:
      `Tensor` `[..., n]`.
    """
    permutation = np.asarray(permutation)
    if (permutation == np.arange(len(permutation))).all():
        return x
    if (permutation == np.arange(len(permutation))[::-1]).all():
        return tf.reverse(x, axis=[-1])
    columns = tf.unstack(x, num=len(permutation), axis=-1)
    return tf.stack([columns[i] for i in permutation], axis=-1)


def finite_rows(y, name):
    """A batch `y` as rows of its last axis, a float64 array `[n, C]`, for the bijector of that name to adapt to.

    Raises:
      ValueError: an empty or non-finite batch.
    """
    rows = y.numpy().astype("float64").reshape(-1, y.shape[-1])
    if not len(rows) or not np.isfinite(rows).all():
        raise ValueError(f"{name} adapts to finite data, one event or more. Received: shape {y.shape}")
    return rows
