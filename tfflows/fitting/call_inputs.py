"""What `log_prob`, `encode`, `decode` and `sample` accept: what `fit` does, in a graph by a step's assertions."""

import functools

import numpy as np
import tensorflow as tf

from tfflows.fitting import inputs, step_checks


def events(x, event_shape, dequantization, name):
    """Events of a flow of that name as a `Tensor`, levels or floats.

    Raises:
      TypeError: integers without a dequantization.
      ValueError: an event of another shape; eagerly, levels out of range, or floats in `[0, 1]` in the place of levels.
    """
    x = tf.convert_to_tensor(inputs.rows(x))
    levels = x.dtype.is_integer and dequantization is not None
    if not levels and not x.dtype.is_floating:
        raise TypeError(
            f"{name} is a density over floating-point events. Received: dtype {x.dtype.name}; "
            "discrete data needs a `dequantization`"
        )
    check_shape(x, event_shape, name, "events")
    if levels and tf.executing_eagerly():
        dequantization.check(x)
    elif levels:
        x = step_checks.in_range(x, dequantization.levels, step_checks.BAD_EVENTS)
    elif dequantization is not None and dequantization.kept_levels > 2 and tf.executing_eagerly() and tf.size(x):
        low, high = float(tf.reduce_min(x)), float(tf.reduce_max(x))
        if low >= 0 and 0 < high <= 1:
            raise ValueError(
                f"{name} takes integers from 0 to {dequantization.levels - 1}, or reals from 0 to "
                f"{dequantization.kept_levels} that were made of them. Received: floats from {low:.3g} to {high:.3g}; "
                "`distribution.log_prob` asks nothing of them"
            )
    return x


def check_shape(x, event_shape, name, what):
    """Refuses a `Tensor` that is not `[..., *event_shape]`, as far as its shape is known."""
    batch = -1 if x.shape.rank is None else x.shape.rank - len(event_shape)
    if batch < 0 or not x.shape[batch:].is_compatible_with(event_shape):
        raise ValueError(f"{name} expects {what} of shape {tuple(event_shape)}. Received: shape {x.shape}")


def labels(values, first, last):
    """Labels as an int32 `Tensor`, `[...]`.

    Raises:
      TypeError: not integers.
      ValueError: eagerly, labels below `first` or above `last`.
    """
    values = tf.convert_to_tensor(inputs.rows(values))
    if not values.dtype.is_integer:
        raise TypeError(f"`context` must hold integer labels. Received: dtype {values.dtype.name}")
    if not tf.executing_eagerly():
        return tf.cast(step_checks.in_range(values, last + 1, step_checks.BAD_LABELS, first), tf.int32)
    array = values.numpy()
    bad = (array < first) | (array > last)
    if bad.any():
        where = tuple(np.argwhere(bad)[0].tolist())
        raise ValueError(
            f"`context` must hold labels from {first} to {last}. Received: {int(bad.sum())} others, the first "
            f"{array[where]} at index {where}"
        )
    return tf.cast(values, tf.int32)


def matched(x, event_ndims, context, context_ndims, *, grow=True):
    """Events, or latents, with the batch axes that they and their context broadcast to.

    Args:
      x: `Tensor` `[..., *event]`.
      event_ndims: int.
      context: `Tensor` `[..., *context]`, or `None`.
      context_ndims: int.
      grow: bool, whether the context may have more batch axes than `x`, or larger ones.

    Raises:
      ValueError: batch axes that do not broadcast, as far as they are known.
    """
    if context is None or x.shape.rank is None or context.shape.rank is None:
        return x
    batch = x.shape[: x.shape.rank - event_ndims]
    others = context.shape[: context.shape.rank - context_ndims]
    if others.rank <= batch.rank == 1 and not (others.is_fully_defined() and batch.is_fully_defined()):
        return x  # a batch of training: nothing to find out, nothing to broadcast
    joint = joint_batch(batch, others, grow)
    if joint.is_fully_defined() and joint == batch:
        return x
    event = x.shape[batch.rank :]
    if joint.is_fully_defined():
        return tf.broadcast_to(x, joint + event)
    shape = tf.broadcast_dynamic_shape(tf.shape(x)[: batch.rank], tf.shape(context)[: others.rank])
    return tf.ensure_shape(tf.broadcast_to(x, tf.concat([shape, event], axis=0)), joint + event)


def check_count(n):
    """Refuses a number of samples, or a shape of them, that is not of whole numbers of at least 0, if it is known."""
    known = np.asarray(tf.get_static_value(n) if tf.is_tensor(n) else n)
    whole = known.dtype.kind in "iu" or not known.size
    if known.dtype != object and not (whole and (known >= 0).all()):
        raise ValueError(f"The number of samples must be an integer of at least 0, or a shape. Received: {n}")


def joint_batch(batch, others, grow=True):
    """The `TensorShape` that the batch axes of events and of contexts broadcast to; for errors see `matched`."""
    try:
        joint = tf.broadcast_static_shape(batch, others)
    except ValueError:
        joint = None
    if joint is None or not (grow or joint.is_compatible_with(batch)):
        raise ValueError(
            f"`context` must be one for all, or one for each of the events. Received: contexts of batch shape "
            f"{tuple(others)} for events of batch shape {tuple(batch)}"
        )
    return joint


def never_none(method):
    """A method of events and contexts of a flow, to which in a graph an empty batch of images is one of zeros.

    TensorFlow's convolution of no images gives them the channels of its input (oneDNN, on CPUs), which fits nothing.
    """

    @functools.wraps(method)
    def given_some(self, x, context=None, **kwargs):
        # Latents of images are images or vectors.
        of_images = tf.is_tensor(x) and x.shape.rank in (2, 4) and len(self.event_shape) == 3
        if not of_images or tf.executing_eagerly() or x.shape[0] is not None:
            return method(self, x, context, **kwargs)
        count = tf.shape(x)[0]

        def some(x):
            event = [tf.shape(x)[i] if n is None else n for i, n in enumerate(x.shape[1:], 1)]
            return tf.concat([x, tf.zeros([tf.cast(count == 0, tf.int32), *event], x.dtype)], axis=0)

        if tf.is_tensor(context) and context.shape.rank == 1 + self._context_ndims and context.shape[0] is None:
            context = some(context)
        return method(self, some(x), context, **kwargs)[:count]

    return given_some
