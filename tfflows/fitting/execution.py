"""What a machine allows: its cores and devices, and a batch split over the cores."""

import os

import tensorflow as tf

_SMALLEST_HALF = 128  # examples; in smaller halves the cores wait for the bookkeeping of the operations


def cores():
    """Number of CPU cores open to this process; 1 with a GPU, which does the work."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return count if on_cpu() else 1


def on_cpu():
    """Whether there is no GPU."""
    return not tf.config.list_physical_devices("GPU")


def distributed(model):
    """Whether a model trains under a strategy of `tf.distribute`."""
    return tf.distribute.has_strategy() or model.distribute_strategy is not tf.distribute.get_strategy()


def counted_by_examples(loss, x):
    """A replica's loss, with a gradient that counts its examples like those of the others.

    Keras has the mean of the replicas' means, in which an example of a batch that does not fill them counts less.

    Args:
      loss: `Tensor` `[]`, `1 / R` of the mean over the replica's examples where there are `R` replicas.
      x: batch of the replica.
    """
    size = x.shape[0]
    if size is not None or not tf.distribute.has_strategy() or tf.distribute.in_cross_replica_context():
        return loss  # batches of a known size fill the replicas
    replica, own = tf.distribute.get_replica_context(), tf.cast(tf.shape(x)[0], loss.dtype)
    share = own * replica.num_replicas_in_sync / replica.all_reduce(tf.distribute.ReduceOp.SUM, own)
    return share * loss + tf.stop_gradient((1.0 - share) * loss)


def split_over_cores(function, x, context=None):
    """`function(x, context)` from two halves of the batch, which TensorFlow then runs at the same time.

    The layers of a flow follow one another, and a narrow matrix product is too small to be shared between cores: two
    cores spend most of their time waiting for each other. A batch of unknown or small size stays whole.

    Args:
      function: per-example function of events and context.
      x: `Tensor` `[batch, ...]`.
      context: `Tensor` `[batch, ...]` or `None`.

    Returns:
      `Tensor` `[batch]`.
    """
    size = x.shape[0]
    if tf.executing_eagerly() or size is None or size < 2 * _SMALLEST_HALF:
        return function(x, context)
    sizes = [size // 2, size - size // 2]
    contexts = [None, None] if context is None else tf.split(context, sizes)
    return tf.concat([function(*half) for half in zip(tf.split(x, sizes), contexts, strict=True)], axis=0)
