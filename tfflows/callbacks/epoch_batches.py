"""Batches whose order and noise depend on the epoch's number, and on nothing that happened before."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.datasets import batching
from tfflows.ops.numerics import below_next_integer


class EpochBatches(keras.callbacks.Callback):
    """Shuffled batches of arrays in memory; epoch `e` is a pure function of `(seed, e)`.

    Keras and `tf.data` shuffle with a generator that runs on from epoch to epoch, so training that continues at
    epoch `e` would see another order than training that came there by itself. This callback tells its own dataset
    the number of the epoch that begins. Discrete data gets uniform noise that is new in each epoch in the same way:
    `y = x + u`, `u ~ U[0, 1)`, with `floor(y) == x` always.

    Pass the callback to `fit`, and its `dataset()` as the data.

    Args:
      x: array `[n, *event_shape]`; a `ValueError` without examples.
      context: array `[n, ...]` or `None`; a `ValueError` for another length.
      batch_size: int >= 1; the last batch of an epoch may be smaller.
      seed: int.
      dequantize: bool, add the noise (and make floats of integers).

    Example:

    >>> import numpy as np
    >>> from tfflows.callbacks import EpochBatches
    >>> batches = EpochBatches(np.arange(4.0), batch_size=4, seed=0)
    >>> first = next(iter(batches.dataset()))[0].numpy()
    >>> batches.on_epoch_begin(1)
    >>> sorted(first.tolist()), bool((next(iter(batches.dataset()))[0].numpy() == first).all())
    ([0.0, 1.0, 2.0, 3.0], False)
    """

    def __init__(self, x, context=None, *, batch_size, seed, dequantize=False):
        super().__init__()
        check_integer(batch_size=batch_size)
        if not len(x) or (context is not None and len(context) != len(x)):
            found = "no context" if context is None else f"{len(context)} contexts"
            raise ValueError(f"Examples, and as many contexts, are needed. Received: {len(x)} examples, {found}")
        self._x = tf.convert_to_tensor(x.astype(np.float32) if dequantize else x)
        self._context = None if context is None else tf.convert_to_tensor(context)
        self._batch_size, self._seed, self._dequantize = int(batch_size), seed, dequantize
        self._epoch = 0

    @property
    def steps_per_epoch(self):
        """Number of batches in an epoch."""
        return -(-len(self._x) // self._batch_size)

    def on_epoch_begin(self, epoch, logs=None):
        """Sets which epoch the dataset yields when it is next iterated."""
        self._epoch = epoch

    def dataset(self):
        """A `tf.data.Dataset` of batches `(x,)` or `(x, context)` that is one epoch each time it is iterated."""
        number = tf.data.Dataset.from_generator(
            lambda: iter([self._epoch]), output_signature=tf.TensorSpec([], tf.int32)
        )
        return batching.ready(number.flat_map(self._batches), self.steps_per_epoch)

    def _batches(self, epoch):
        order_seed, noise_seed = (tf.stack([self._seed, 2 * epoch + part]) for part in (0, 1))
        order = tf.random.experimental.stateless_shuffle(tf.range(len(self._x)), order_seed)
        x = self._x
        if self._dequantize:
            x = below_next_integer(x, tf.random.stateless_uniform(tf.shape(x), noise_seed))
        return batching.sliced([x] if self._context is None else [x, self._context], order, self._batch_size)
