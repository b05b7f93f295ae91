"""Axes of events and batches."""

import numpy as np
import tensorflow as tf


def sum_event(x, ndims):
    """Sums the last `ndims` axes of `x`."""
    return tf.reduce_sum(x, axis=list(range(-ndims, 0))) if ndims else x


def known(x, shape):
    """The `Tensor` `x`, of which the static `shape` is known to be true.

    No operation, unlike `tf.ensure_shape`, which forward-mode differentiation refuses in a graph.
    """
    x.set_shape(shape)
    return x


def batch_shape(x, event_ndims):
    """Shape of `x` without its last `event_ndims` axes, static where it is known."""
    static = x.shape[: x.shape.rank - event_ndims]
    return tf.TensorShape(static) if static.is_fully_defined() else tf.shape(x)[: x.shape.rank - event_ndims]


def known_event_shape(event_shape, *, last_axis_only=False):
    """An event shape as a `tf.TensorShape` of rank 1 or more, known (`ValueError`), or its last axis at least."""
    shape = tf.TensorShape(event_shape)
    if last_axis_only and (not shape.rank or shape[-1] is None):
        raise ValueError(f"`event_shape` needs a known last axis. Received: {event_shape}")
    if not shape.rank or not (last_axis_only or shape.is_fully_defined()):
        raise ValueError(f"`event_shape` must be known and of rank 1 or more. Received: {event_shape}")
    return shape


def log_det_of_pixels(x, event_ndims, log_det):
    """The log-det of events, `[...]`, from that of each of their vectors along the last axis, a scalar."""
    axes = slice(x.shape.rank - event_ndims, -1)
    if x.shape[axes].is_fully_defined():
        pixels = tf.constant(x.shape[axes].num_elements(), x.dtype)
    else:
        pixels = tf.cast(tf.reduce_prod(tf.shape(x)[axes]), x.dtype)
    return tf.fill(batch_shape(x, event_ndims), pixels * log_det)


def with_batch_of(like, x, log_det, event_ndims):
    """Events and log-dets with one batch axis, given the batch axes of the events `like` from which they come."""
    x, log_det = tf.reshape(x, tf.shape(like)), tf.reshape(log_det, tf.shape(like)[:-event_ndims])
    return known(x, like.shape), known(log_det, like.shape[:-event_ndims])


def broadcast_batch(value, batch, trailing, *, static):
    """`value` `[..., *rest]`, `rest` known and of rank `trailing`, broadcast to `[*batch, *rest]`.

    The shape `batch` is an integer `Tensor`; `static` is the same as a `tf.TensorShape`, as far as it is known.
    """
    rest = value.shape[value.shape.rank - trailing :]
    if value.shape[: value.shape.rank - trailing].is_fully_defined() and value.shape == static + rest:
        return value
    value = tf.broadcast_to(value, tf.concat([batch, rest.as_list()], axis=0) if trailing else batch)
    return known(value, static + rest)


def permute_last_axis(x, permutation):
    """`x[..., permutation]` of a `Tensor` `[..., n]` and an array of `0 ... n-1`, each once.

    By unstacking and stacking: TensorFlow's gradient of a gather is a scatter, many times slower, and one of our own
    (`tf.custom_gradient`) would keep every traced graph alive.
    """
    permutation = np.asarray(permutation)
    if (permutation == np.arange(len(permutation))).all():
        return x
    if (permutation == np.arange(len(permutation))[::-1]).all():
        return tf.reverse(x, axis=[-1])
    columns = tf.unstack(x, num=len(permutation), axis=-1)
    return tf.stack([columns[i] for i in permutation], axis=-1)


def finite_rows(y, name):
    """A batch `y` as rows of its last axis, an array `[n, C]`, for the bijector or layer of that name to adapt to."""
    rows = np.asarray(y).reshape(-1, y.shape[-1])
    if not len(rows) or not np.isfinite(rows).all():
        raise ValueError(f"{name} adapts to finite data, one event or more. Received: shape {y.shape}")
    return rows
