"""Images: the border that a zero-padded convolution cannot see, and blocks of pixels as channels."""

import numpy as np
import tensorflow as tf

from tfflows.ops import shapes


def border_windows(image_size, kernel_size):
    """What the kernel of a "same" convolution covers of the zero padding, at every pixel.

    The products of these rows with one more kernel channel, added to the convolution, let a network know where the
    image ends: the extra input channel in Glow's published code, 1 in the padding and 0 inside.

    Of `image_size`, `(H, W)`, and an odd `kernel_size`, `K`: a float32 array `[H * W, K * K]`.
    """
    border = np.pad(np.zeros(image_size, np.float32), kernel_size // 2, constant_values=1.0)
    windows = np.lib.stride_tricks.sliding_window_view(border, (kernel_size, kernel_size))
    return windows.reshape(-1, kernel_size**2)


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
    return shapes.known(y, [*x.shape[:-3], *y.shape[-3:]])
