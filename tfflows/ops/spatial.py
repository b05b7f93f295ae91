"""Images: the border that a zero-padded convolution cannot see, and blocks of pixels as channels."""

import numpy as np
import tensorflow as tf


def border(image_size, kernel_size):
    """An image that is 1 in the zero padding of a "same" convolution and 0 inside.

    A convolution of it, added to that of the zero-padded image, lets a network know where the image ends, at the
    price of one kernel channel (the extra input channel in Glow's published code).

    Args:
      image_size: `(H, W)`.
      kernel_size: `(KH, KW)`, odd.

    Returns:
      float32 array `[1, H + KH - 1, W + KW - 1, 1]`.
    """
    (height, width), (rows, columns) = image_size, kernel_size
    inside = np.zeros((1, height, width, 1), np.float32)
    vertical, horizontal = rows // 2, columns // 2
    return np.pad(inside, ((0, 0), (vertical, vertical), (horizontal, horizontal), (0, 0)), constant_values=1.0)


def space_to_depth(x, block_size):
    """Blocks of `block_size x block_size` pixels become channels: `[..., H, W, C]` to `[..., H/b, W/b, b b C]`.

    Channel `(i b + j) C + c` of the result is channel `c` of the pixel in row `i`, column `j` of its block.
    """
    return _as_one_batch(lambda images: tf.nn.space_to_depth(images, block_size), x)


def depth_to_space(x, block_size):
    """The inverse of `space_to_depth`."""
    return _as_one_batch(lambda images: tf.nn.depth_to_space(images, block_size), x)


def _as_one_batch(function, x):
    """Applies a function of `[batch, H, W, C]` to images with any batch axes."""
    if x.shape.rank == 4:
        return function(x)
    y = function(tf.reshape(x, [-1, *x.shape[-3:]]))
    y = tf.reshape(y, tf.concat([tf.shape(x)[:-3], tf.shape(y)[1:]], axis=0))
    return tf.ensure_shape(y, [*x.shape[:-3], *y.shape[-3:]])
