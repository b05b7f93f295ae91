"""What a machine and a model allow: cores, devices, training steps a call, a step in two halves."""

import math
import os

import tensorflow as tf

_SMALL, _STEPS = 1_000_000, 32
_SMALLEST_HALF = 128  # examples; in smaller halves the cores wait for the bookkeeping of the operations


def cores():
    """Number of CPU cores open to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_cpu():
    """Whether there is no GPU."""
    return not tf.config.list_physical_devices("GPU")


def small(model):
    """Whether a step of a model, built, is short enough to wait for Python."""
    return model.count_params() < _SMALL


def distributed(model):
    """Whether a model trains under a strategy of `tf.distribute`."""
    return tf.distribute.has_strategy() or model.distribute_strategy is not tf.distribute.get_strategy()


def steps_per_call(model, steps_per_epoch):
    """How many training steps to run between returns to Python: up to 32 of a small model, 1 of any other.

    Args:
      model: built Keras model.
      steps_per_epoch: int, of which the answer is a divisor; `None` for unknown.
    """
    alone = not (model.run_eagerly or distributed(model))  # Keras's loop of several steps fails on several replicas
    return math.gcd(steps_per_epoch or _STEPS, _STEPS) if small(model) and alone else 1


def in_halves(function, x, context=None):
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
