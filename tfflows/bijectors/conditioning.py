"""How a bijector asks its conditioner: shapes in, shapes out."""

import tensorflow as tf

from tfflows.ops import precision, shapes


def built(conditioner, event_shape):
    """The conditioner, its weights made for events of that shape if they were not before."""
    if not getattr(conditioner, "built", True):
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


def parameters(bijector, a, context, num_outputs):
    """The parameters of a bijector's elementwise `map`, which its `conditioner` gives from what the bijector copies.

    Args:
      bijector: `Coupling` or `Autoregressive`.
      a: `Tensor` `[..., *event]`, what the conditioner sees.
      context: `Tensor` or `None`.
      num_outputs: int, the entries of the last axis that are transformed; the conditioner returns `map.num_parameters`
        times as many values on its last axis, parameter by parameter.

    Returns:
      `map.num_parameters` tensors in the dtype of `a`, each with `num_outputs` entries on its last axis.
    """
    conditioner, event_ndims, each = bijector.conditioner, bijector.forward_min_event_ndims, bijector.map.num_parameters
    with precision.applied_to(conditioner):
        raw = conditioner(inputs(conditioner, a, context, event_ndims=event_ndims))
    _check_size(raw, each * num_outputs, bijector, f" ({each} for each of {num_outputs} entries)")
    return tf.split(_batched(tf.cast(raw, a.dtype), a, a.shape.rank - event_ndims), each, axis=-1)


def one_after_another(given, transform, state, *, unrolled=False):
    """A loop over entries or tokens, each transformed with what was found before it.

    Args:
      given: `Tensor` `[n, batch, ...]`, `n` known.
      transform: function `(k, given_k, found_before, state) -> (found, log_derivative, state)`, the log-derivative
        summed to `[batch]`; for `k = 0` what was found before is zeros.
      state: nested tensors handed from step to step.
      unrolled: bool, step after step, `k` an int, without a `tf.while_loop`.

    Returns:
      All that was found, `[n, batch, ...]`, and the sum of the log-derivatives, `[batch]`.
    """
    n, zeros = given.shape[0], tf.zeros_like(given[0])
    log_det = tf.reduce_sum(zeros, axis=list(range(1, zeros.shape.rank)))
    if unrolled:
        found = [zeros]
        for k, each in enumerate(tf.unstack(given)):
            last, log_derivative, state = transform(k, each, found[-1], state)
            found, log_det = [*found, last], log_det + log_derivative
        return tf.stack(found[1:]), log_det
    arrays = [tf.TensorArray(given.dtype, size=n, element_shape=given.shape[1:]) for _ in range(2)]
    inputs, found = arrays[0].unstack(given), arrays[1]

    def step(k, last, found, log_det, state):
        last, log_derivative, state = transform(k, inputs.read(k), last, state)
        return k + 1, last, found.write(k, last), log_det + log_derivative, state

    start = (0, zeros, found, log_det, state)
    _, _, found, log_det, _ = tf.while_loop(lambda k, *_: k < n, step, start, maximum_iterations=n)
    return found.stack(), log_det


def from_context(bijector, context, *, size, dtype):
    """Parameters `[..., size]` that a bijector's conditioner gives from the context alone, with its batch axes."""
    if context is None:
        raise ValueError(f"{bijector.name} has a conditioner and needs a `context`. Received: None")
    conditioner, context = bijector.conditioner, tf.convert_to_tensor(context)
    batch_rank = context.shape.rank - _context_ndims(conditioner, context)
    flat = context if batch_rank == 1 else tf.reshape(context, [-1, *context.shape[batch_rank:]])
    with precision.applied_to(conditioner):
        raw = tf.cast(conditioner(flat), dtype)
    _check_size(raw, size, bijector)
    if batch_rank == 1:
        return raw
    return shapes.known(_batched(raw, context, batch_rank), [*context.shape[:batch_rank], size])


def _check_size(raw, size, bijector, detail=""):
    if raw.shape[-1] != size:
        raise ValueError(
            f"The conditioner of {bijector.name} must return {size} values on its last axis{detail}. "
            f"Received: shape {raw.shape}"
        )


def _batched(raw, like, batch_rank):
    """What has one batch axis, with the batch axes of `like` instead."""
    return raw if batch_rank == 1 else tf.reshape(raw, tf.concat([tf.shape(like)[:batch_rank], raw.shape[1:]], axis=0))


def _context_ndims(conditioner, context):
    return getattr(conditioner, "context_ndims", 0 if context.dtype.is_integer else 1)
