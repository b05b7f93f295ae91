"""Images are cropped anew for training only: what a flow is judged by does not change."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.datasets import ImageStream
from tfflows.datasets.images.image_stream import Source

COUNT = 40


def stream():
    """Image `k` of 9 x 9 pixels has the value `k` in its red channel, rows and columns in the others."""

    def read(seed):
        numbers = tf.data.Dataset.range(COUNT)
        numbers = numbers if seed is None else numbers.shuffle(COUNT, seed=seed)
        rows, columns = tf.meshgrid(tf.range(9), tf.range(9), indexing="ij")
        return numbers.map(lambda k: tf.cast(tf.stack([rows * 0 + tf.cast(k, tf.int32), rows, columns], -1), tf.uint8))

    source = Source(read, COUNT, crop=True)
    return ImageStream("parts", dict.fromkeys(("train", "validation", "test"), source), image_shape=(4, 4, 3))


def corners(batches):
    """The place of each image's crop, by its number."""
    images = np.concatenate(list(batches.as_numpy_iterator())).astype(int)
    assert sorted(images[:, 0, 0, 0]) == list(range(COUNT))
    return images[np.argsort(images[:, 0, 0, 0]), 0, 0, 1:]


def test_crops_to_judge_by_are_those_of_every_epoch_seed_and_order():
    found = []
    for split in ("validation", "test"):
        for seed, shuffle in ((0, True), (1, True), (1, False)):
            keras.utils.set_random_seed(seed)
            batches = stream().batches(split, batch_size=7, seed=seed, shuffle=shuffle, dequantize=False)
            found += [corners(batches), corners(batches)]
        found.append(corners(getattr(stream(), split).batch(COUNT)))
    for each in found:
        np.testing.assert_array_equal(each, found[0])
    assert len(np.unique(found[0], axis=0)) > 10


def test_crops_to_train_on_are_new_in_every_epoch():
    batches = stream().batches("train", batch_size=7, seed=0, dequantize=False)
    assert (corners(batches) != corners(batches)).any()
