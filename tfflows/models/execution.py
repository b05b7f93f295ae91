"""Many training steps in one call of a compiled function, and a step in two halves."""

import math
import os

import numpy as np
import tensorflow as tf

from tfflows.datasets import batching

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


class ResidentTraining:
    """The train function of `model.fit` for arrays in memory.

    Batches are slices of a shuffled tensor, taken inside the compiled loop. Keras asks a `tf.data` iterator for each
    batch: making one costs an epoch as much as several steps of a small flow, and its thread takes time from them.

    Args:
      model: compiled Keras model, not distributed and without XLA; `train_step` keeps its logs in the model's metrics.
    """

    def __init__(self, model):
        self._model = model
        self._run = tf.function(self._steps, autograph=False, reduce_retracing=True)
        self.release()

    def release(self):
        """Lets go of the data."""
        self._iterator = self._arrays = self._rows = None

    def load(self, arrays, batch_size, *, shuffle, seed):
        """Takes the data of a `fit`.

        Args:
          arrays: tuple of arrays with equal first axis.
          batch_size: int; the last batch of an epoch may be smaller.
          shuffle: bool, take the examples in a new order in each epoch.
          seed: int, of the sequence of orders.

        Returns:
          `tf.data.Dataset` from which Keras counts the batches.
        """
        self._arrays = tuple(map(tf.convert_to_tensor, arrays))
        self._count, self._batch_size = len(arrays[0]), min(batch_size, len(arrays[0]))
        self._orders = np.random.default_rng(seed) if shuffle else None
        self._iterator = None
        return batching.untuned(tf.data.Dataset.range(-(-self._count // self._batch_size)))

    def __call__(self, iterator):
        """Up to `model.steps_per_execution` steps; a new iterator is a new epoch. Returns the metrics so far."""
        if iterator is not self._iterator:
            self._iterator, self._done, self._rows = iterator, 0, self._shuffled()
        whole, rest = divmod(self._count, self._batch_size)
        end = min(self._done + int(self._model.steps_per_execution), whole + bool(rest))
        if end <= self._done:
            raise StopIteration
        start, self._done = self._done, end
        if start < whole:
            logs = self._run(self._rows, tf.constant(start), tf.constant(min(end, whole)), self._batch_size)
        if end > whole:
            logs = self._run(tuple(row[-rest:] for row in self._rows), tf.constant(0), tf.constant(1), rest)
        return logs

    def _shuffled(self):
        if self._orders is None:
            return self._arrays
        order = self._orders.permutation(self._count)
        return tuple(tf.gather(array, order) for array in self._arrays)

    def _steps(self, rows, start, end, batch_size):
        """Steps `start` to `end - 1`, of batches whose size is known while tracing."""

        def body(i):
            batch = [row[i * batch_size : (i + 1) * batch_size] for row in rows]
            self._model.train_step(tuple(tf.ensure_shape(part, [batch_size, *part.shape[1:]]) for part in batch))
            return i + 1

        tf.while_loop(lambda i: i < end, body, [start], parallel_iterations=1)
        return self._model.get_metrics_result()
