"""Batches from anywhere, as tuples that Keras takes: `(x,)`, `(x, context)` or `(x, context, weights)`."""

import collections.abc
import functools
import operator

import keras
import numpy as np
import tensorflow as tf

from tfflows.datasets import batching
from tfflows.fitting import inputs, weights


def of(data, class_table=None):
    """What `fit` goes through in the place of a stream of batches; arrays and what Keras alone knows as they are.

    Args:
      data: `tf.data.Dataset`, `keras.utils.PyDataset`, iterator (as generators are), or what can be iterated over again
        and again, as the loaders of PyTorch and Grain, of batches that `inputs.split` knows.
      class_table: array from labels to weights of their examples, or `None`; see `weights.class_table`.
    """
    if isinstance(data, dict):
        inputs.split(data)
    batch = functools.partial(_tuple, class_table=class_table)
    if isinstance(data, tf.data.Dataset):
        return data if class_table is None else data.map(lambda *parts: batch(parts))
    if isinstance(data, keras.utils.PyDataset):
        return _Batches(data, batch)
    if isinstance(data, collections.abc.Iterator):
        return (batch(each) for each in data)
    again = isinstance(data, collections.abc.Iterable) and not isinstance(data, (str, tuple, list))
    if not again or inputs.is_array(data) or isinstance(data, tf.distribute.DistributedDataset):
        return data
    return _dataset(data, batch)


def _tuple(batch, class_table):
    x, context, given = inputs.split(batch)
    if class_table is not None:
        if given is not None:
            raise ValueError(
                "Weights are given by example or by class. Received: `class_weight`, and weights in batches"
            )
        given = weights.of_classes(context, class_table)
    return inputs.joined(x, context, given)


def _dataset(batches, batch):
    """What can be iterated over many times, as a `tf.data.Dataset`."""
    arrays = lambda: (tuple(map(np.asarray, batch(each))) for each in batches)  # noqa: E731
    first = next(arrays(), None)
    if first is None:
        raise ValueError("Data must hold at least one batch. Received: none")
    signature = tuple(tf.TensorSpec([None, *part.shape[1:]], part.dtype) for part in first)
    dataset = tf.data.Dataset.from_generator(arrays, output_signature=signature)
    count = operator.length_hint(batches, -1)
    return batching.untuned(dataset.prefetch(2)) if count < 0 else batching.ready(dataset, count)


class _Batches(keras.utils.PyDataset):
    """The batches of a `PyDataset`, each after a function."""

    def __init__(self, batches, function):
        names = ("workers", "use_multiprocessing", "max_queue_size")
        super().__init__(**{name: getattr(batches, name) for name in names})
        self._batches, self._function = batches, function

    num_batches = property(lambda self: self._batches.num_batches)

    def __getitem__(self, index):
        return self._function(self._batches[index])

    def on_epoch_begin(self):
        self._batches.on_epoch_begin()

    def on_epoch_end(self):
        self._batches.on_epoch_end()
