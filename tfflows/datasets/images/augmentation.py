"""Random changes of batches on their way to training: flips, shifts, dequantization.

Each is a pure function of images `[batch, height, width, channels]` and a seed, an integer tensor `[2]`.
"""

import tensorflow as tf

from tfflows.ops import numerics

AUGMENTATIONS = ("flip", "shift")
_SHIFT = 0.1  # of the side, as in the published Glow


def checked(augment):
    """`augment`, which must be `None`, one of `AUGMENTATIONS`, or a sequence of them, as a tuple of names."""
    names = () if augment is None else (augment,) if isinstance(augment, str) else tuple(augment)
    if any(name not in AUGMENTATIONS for name in names):
        raise ValueError(f"`augment` must hold names among {', '.join(AUGMENTATIONS)}. Received: augment={augment!r}")
    return names


def randomized(batches, *, augment, dequantize, seed):
    """`tf.data.Dataset` of batches of integer images, or of pairs of them and labels, changed anew in each epoch:
    augmented by the names in `augment`, then dequantized if `dequantize`."""
    if not augment and not dequantize:
        return batches

    def change(batch, number):
        x, *rest = batch if isinstance(batch, tuple) else (batch,)
        seeds = tf.random.split(tf.stack([tf.cast(seed, tf.int64), number]), num=1 + len(AUGMENTATIONS))
        if "flip" in augment:
            x = flipped(x, seeds[0])
        if "shift" in augment:
            x = shifted(x, seeds[1])
        if dequantize:
            x = dequantized(x, seeds[2])
        return (x, *rest) if rest else x

    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    return tf.data.Dataset.zip((batches, numbers)).map(change, num_parallel_calls=tf.data.AUTOTUNE)


def flipped(images, seed):
    """Mirrors each image left to right with probability 1/2."""
    heads = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(heads, tf.reverse(images, [2]), images)


def shifted(images, seed):
    """Moves each image by up to a tenth of its side, in whole pixels; the edge is repeated into what it leaves.

    Glow's CIFAR-10 recipe shifts by fractions of pixels, which blurs; whole pixels keep the values of the data.
    """
    batch = tf.shape(images)[0]
    for key in tf.unstack(tf.random.split(seed), num=2):
        size = tf.shape(images)[1]
        most = tf.cast(_SHIFT * tf.cast(size, tf.float32), tf.int32)
        step = tf.random.stateless_uniform([batch, 1], key, -most, most + 1, tf.int32)
        index = tf.clip_by_value(tf.range(size)[None] + step, 0, size - 1)
        images = tf.transpose(tf.gather(images, index, axis=1, batch_dims=1), [0, 2, 1, 3])  # rows, then columns
    return images


def dequantized(x, seed):
    """`x + u` of integers of any shape, in float32, `u ~ U[0, 1)`, below the next integer."""
    return numerics.below_next_integer(tf.cast(x, tf.float32), tf.random.stateless_uniform(tf.shape(x), seed))
