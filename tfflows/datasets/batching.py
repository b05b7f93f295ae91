"""Batches of arrays that are in memory."""

import numpy as np
import tensorflow as tf

RESIDENT_BYTES = 2**29  # larger arrays go through Keras's own batching, which copies less


def sliced(arrays, order, batch_size):
    """One epoch of batches of tensors with equal first axis, as a `tf.data.Dataset` of tuples; the last may be smaller.

    One gather an epoch and one slice a batch: for small flows a gather for every batch costs as much as the step.
    `order` is an integer tensor, the examples in the order wanted, or `None` for as they are.
    """
    count = arrays[0].shape[0]
    whole = count - count % batch_size
    rows = [array if order is None else tf.gather(array, order) for array in arrays]
    full = tuple(tf.reshape(each[:whole], (whole // batch_size, batch_size, *each.shape[1:])) for each in rows)
    dataset = tf.data.Dataset.from_tensor_slices(full)
    if whole < count:
        dataset = dataset.concatenate(tf.data.Dataset.from_tensor_slices(tuple(each[None, whole:] for each in rows)))
    return dataset


def untuned(dataset):
    """The dataset without the thread that tunes it.

    That thread sleeps for 10 ms, 20 ms, 40 ms, ... 60 s, and TensorFlow 2.21 often fails to wake it: who lets go of an
    iterator, as `fit` does at its end, waits until it wakes by itself, which can take as long as the epoch took. What
    is to be tuned (`tf.data.AUTOTUNE`) runs on as many threads as there are cores, 16 at most.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def ready(dataset, num_batches):
    """The dataset with its number of batches known, the next ones fetched ahead, and no tuning thread."""
    return untuned(dataset.apply(tf.data.experimental.assert_cardinality(num_batches)).prefetch(2))


def in_order(arrays, batch_size):
    """A dataset of batches of arrays that are in memory, as they are; tuples, the last one may be smaller."""
    arrays = [tf.convert_to_tensor(array) for array in arrays]
    return ready(sliced(arrays, None, batch_size), -(-arrays[0].shape[0] // batch_size))


def shuffled_batches(arrays, batch_size, *, shuffle, seed):
    """As `in_order`, but if `shuffle` in a new order each time it is iterated, of which the sequence is seeded."""
    arrays = [tf.convert_to_tensor(array) for array in arrays]  # captured, not copied into each epoch's graph
    count = arrays[0].shape[0]

    def epoch(number):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), tf.stack([seed, number])) if shuffle else None
        return sliced(arrays, order, batch_size)

    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    return ready(numbers.flat_map(epoch), -(-count // batch_size))


def train_validation_split(arrays, fraction):
    """Cuts the last `fraction` off arrays with equal first axis, or `None`s, as Keras does: two tuples, of what is
    trained on and of what validates. Both must be left an example."""
    count = len(arrays[0])
    cut = int(np.floor(count * (1 - fraction)))
    if not 0 < fraction < 1 or not 0 < cut < count:
        raise ValueError(
            f"`validation_split` must be in (0, 1) and leave both parts an example. Received: {fraction} of {count}"
        )
    return tuple(None if a is None else a[:cut] for a in arrays), tuple(None if a is None else a[cut:] for a in arrays)
