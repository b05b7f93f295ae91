"""Batches of arrays that are in memory."""

import numpy as np
import tensorflow as tf


def shuffled_batches(arrays, batch_size, *, shuffle, seed):
    """A dataset of batches of arrays that are in memory, in a new order each time it is iterated.

    One gather an epoch and one slice a batch: for small flows a gather for every batch costs as much as the step.

    Args:
      arrays: tuple of arrays with equal first axis.
      batch_size: int.
      shuffle: bool.
      seed: int, of the sequence of orders.

    Returns:
      `tf.data.Dataset` of tuples; the last batch of an epoch may be smaller.
    """
    arrays = [tf.convert_to_tensor(array) for array in arrays]  # captured, not copied into each epoch's graph
    count = len(arrays[0])
    whole = count - count % batch_size

    def epoch(number):
        order = tf.range(count)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(order, tf.stack([seed, number]))

        def batches(array):
            rows = tf.gather(array, order) if shuffle else array
            shape = tf.concat([[whole // batch_size, batch_size], tf.shape(rows)[1:]], axis=0)
            return tf.reshape(rows[:whole], shape), rows[None, whole:]

        full, rest = zip(*map(batches, arrays), strict=True)
        dataset = tf.data.Dataset.from_tensor_slices(full)
        return dataset.concatenate(tf.data.Dataset.from_tensor_slices(rest)) if whole < count else dataset

    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    dataset = numbers.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(-(-count // batch_size)))
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune, and its thread takes time from the training step
    return dataset.prefetch(2).with_options(options)


def train_validation_split(arrays, fraction):
    """Cuts the last `fraction` off every array, as Keras does.

    Args:
      arrays: tuple of arrays with equal first axis, or `None`s.
      fraction: float in (0, 1).

    Returns:
      Two tuples: what is trained on, what validates.

    Raises:
      ValueError: a fraction outside (0, 1), or one that leaves a part empty.
    """
    count = len(arrays[0])
    cut = int(np.floor(count * (1 - fraction)))
    if not 0 < fraction < 1 or not 0 < cut < count:
        raise ValueError(
            f"`validation_split` must be in (0, 1) and leave both parts an example. Received: {fraction} of {count}"
        )
    return tuple(None if a is None else a[:cut] for a in arrays), tuple(None if a is None else a[cut:] for a in arrays)
