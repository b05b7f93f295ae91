"""Training on arrays in memory: many steps in one call of a compiled function."""

import numpy as np
import tensorflow as tf

from tfflows.datasets import batching


class ResidentTraining:
    """The train function of one `fit` on arrays in memory.

    Batches are slices of a shuffled tensor, taken inside the compiled loop. Keras asks a `tf.data` iterator for each
    batch: making one costs an epoch as much as several steps of a small flow, and its thread takes time from them.

    Args:
      steps: from `compiled_steps`.
      arrays: tuple of arrays with equal first axis.
      batch_size: int; the last batch of an epoch may be smaller.
      steps_per_call: int, steps between returns to Python.
      shuffle: bool, take the examples in a new order in each epoch.
      seed: int, of the sequence of orders.
    """

    def __init__(self, steps, arrays, batch_size, *, steps_per_call, shuffle, seed):
        self._steps, self._steps_per_call = steps, steps_per_call
        self._arrays = tuple(map(tf.convert_to_tensor, arrays))
        self._count, self._batch_size = len(arrays[0]), min(batch_size, len(arrays[0]))
        self._orders = np.random.default_rng(seed) if shuffle else None
        self._iterator = None

    def numbers(self):
        """The numbers of the batches, a `tf.data.Dataset` from which Keras counts them."""
        return batching.untuned(tf.data.Dataset.range(-(-self._count // self._batch_size)))

    def __call__(self, iterator):
        """Up to `steps_per_call` steps; a new iterator is a new epoch. Returns the metrics so far."""
        if iterator is not self._iterator:
            self._iterator, self._done, self._rows = iterator, 0, self._shuffled()
        whole, rest = divmod(self._count, self._batch_size)
        end = min(self._done + self._steps_per_call, whole + bool(rest))
        if end <= self._done:
            raise StopIteration
        start, self._done = self._done, end
        if start < whole:
            logs = self._steps(self._rows, tf.constant(start), tf.constant(min(end, whole)), self._batch_size)
        if end > whole:
            logs = self._steps(tuple(row[-rest:] for row in self._rows), tf.constant(0), tf.constant(1), rest)
        return logs

    def _shuffled(self):
        if self._orders is None:
            return self._arrays
        order = self._orders.permutation(self._count)
        return tuple(tf.gather(array, order) for array in self._arrays)


def compiled_steps(model):
    """The compiled loop: a function of rows, first step, last step (exclusive) and the size of a batch.

    Args:
      model: compiled Keras model, not distributed and without XLA; `train_step` keeps its logs in the model's metrics.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def steps(rows, start, end, batch_size):  # an int: the size of a batch is known while tracing
        def body(i):
            batch = [row[i * batch_size : (i + 1) * batch_size] for row in rows]
            model.train_step(tuple(tf.ensure_shape(part, [batch_size, *part.shape[1:]]) for part in batch))
            return i + 1

        tf.while_loop(lambda i: i < end, body, [start], parallel_iterations=1)
        return model.get_metrics_result()

    return steps
