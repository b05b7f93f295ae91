"""Random changes of batches on their way to training: flips, shifts, dequantization."""

import tensorflow as tf

from tfflows.ops import numerics

AUGMENTATIONS = ("flip", "shift")
_SHIFT = 0.1  # of the side, as in the published Glow


def checked(augment):
    """`augment` as a tuple of names.

    Raises:
      ValueError: if it is not `None`, one of `AUGMENTATIONS`, or a sequence of them.
    """
    names = () if augment is None else (augment,) if isinstance(augment, str) else tuple(augment)
    if any(name not in AUGMENTATIONS for name in names):
        raise ValueError(f"`augment` must hold names among {', '.join(AUGMENTATIONS)}. Received: augment={augment!r}")
    return names


def randomized(batches, *, augment, dequantize, seed):
    """Applies `augment`, then `dequantize`, to the images of each batch; new in each epoch.

    Args:
      batches: `tf.data.Dataset` of integer images `[batch, height, width, channels]`, or of pairs of them and labels.
      augment: tuple of names out of `AUGMENTATIONS`.
      dequantize: bool.
      seed: int.

    Returns:
      The dataset, or the one given if there is nothing to do.
    """
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
    """Mirrors each image left to right with probability 1/2.

    Args:
      images: tensor `[batch, height, width, channels]`.
      seed: integer tensor `[2]`; a pure function of it.
    """
    heads = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(heads, tf.reverse(images, [2]), images)


def shifted(images, seed):
    """Moves each image by up to a tenth of its side, in whole pixels; the edge is repeated into what it leaves.

    Glow's CIFAR-10 recipe shifts by fractions of pixels, which blurs; whole pixels keep the values of the data.

    Args:
      images: tensor `[batch, height, width, channels]`.
      seed: integer tensor `[2]`; a pure function of it.
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
    """`x + u` in float32, `u ~ U[0, 1)`, below the next integer.

    Args:
      x: integer tensor.
      seed: integer tensor `[2]`; a pure function of it.
    """
    return numerics.below_next_integer(tf.cast(x, tf.float32), tf.random.stateless_uniform(tf.shape(x), seed))
