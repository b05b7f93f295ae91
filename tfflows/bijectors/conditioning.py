"""How a bijector asks its conditioner: shapes in, shapes out."""

import tensorflow as tf

from tfflows.ops import precision, shapes


def built(conditioner, event_shape):
    """The conditioner, its weights made for events of that shape if they were not before."""
    if not conditioner.built:
        with tf.init_scope():
            if hasattr(conditioner, "context_ndims"):  # ours: built from a shape, with or without a context
                conditioner.build((None, *event_shape))
            else:
                conditioner(tf.zeros((1, *event_shape), conditioner.compute_dtype))
    return conditioner


def inputs(conditioner, a, context, *, event_ndims):
    """`a`, or `[a, context]`, with one batch axis, whatever batch the event has."""
    batch_rank = a.shape.rank - event_ndims
    if context is not None:
        context = tf.convert_to_tensor(context)
        trailing = _context_ndims(conditioner, context)
        context = shapes.broadcast_batch(context, tf.shape(a)[:batch_rank], trailing, static=a.shape[:batch_rank])
    if batch_rank != 1:
        a = tf.reshape(a, [-1, *a.shape[batch_rank:]])
        context = None if context is None else tf.reshape(context, [-1, *context.shape[batch_rank:]])
    return a if context is None else [a, context]


def parameters(conditioner, a, context, *, event_ndims, num_parameters, num_outputs, name):
    """The parameters of an elementwise bijection, from what it copies.

    Args:
      conditioner: Keras layer.
      a: `Tensor` `[..., *event]`, what the conditioner sees.
      context: `Tensor` or `None`.
      event_ndims: int, rank of the event.
      num_parameters, num_outputs: ints: the conditioner returns their product on its last axis, parameter by parameter.
      name: str, of the bijector, for errors.

    Returns:
      `num_parameters` tensors in the dtype of `a`, each with `num_outputs` entries on its last axis.

    Raises:
      ValueError: an output of the wrong size.
    """
    batch_rank = a.shape.rank - event_ndims
    with precision.of(conditioner):
        raw = conditioner(inputs(conditioner, a, context, event_ndims=event_ndims))
    expected = num_parameters * num_outputs
    if raw.shape[-1] != expected:
        raise ValueError(
            f"The conditioner of {name} must return {expected} values on its last axis "
            f"({num_parameters} for each of {num_outputs} entries). Received: shape {raw.shape}"
        )
    raw = tf.cast(raw, a.dtype)
    if batch_rank != 1:
        raw = tf.reshape(raw, tf.concat([tf.shape(a)[:batch_rank], raw.shape[1:]], axis=0))
    return tf.split(raw, num_parameters, axis=-1)


def from_context(conditioner, context, *, size, dtype, name):
    """`size` parameters that depend on the context alone, `[..., size]` with the context's batch axes.

    Raises:
      ValueError: no context, or an output of another size.
    """
    if context is None:
        raise ValueError(f"{name} has a conditioner and needs a `context`. Received: None")
    context = tf.convert_to_tensor(context)
    batch_rank = context.shape.rank - _context_ndims(conditioner, context)
    flat = context if batch_rank == 1 else tf.reshape(context, [-1, *context.shape[batch_rank:]])
    with precision.of(conditioner):
        raw = tf.cast(conditioner(flat), dtype)
    if raw.shape[-1] != size:
        raise ValueError(
            f"The conditioner of {name} must return {size} values on its last axis. Received: shape {raw.shape}"
        )
    if batch_rank == 1:
        return raw
    raw = tf.reshape(raw, tf.concat([tf.shape(context)[:batch_rank], [size]], axis=0))
    return tf.ensure_shape(raw, [*context.shape[:batch_rank], size])


def _context_ndims(conditioner, context):
    return getattr(conditioner, "context_ndims", 0 if context.dtype.is_integer else 1)
