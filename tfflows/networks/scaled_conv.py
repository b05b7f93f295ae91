"""The convolution of Glow's networks."""

import functools
import math

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.joint.configs import ConfiguredLayer
from tfflows.ops import spatial

_SPEED = 3.0  # of the log-scale, as in Glow's published code
_SMALLEST_SCALE = 1e-6  # of a feature that does not vary
_FIRST_OUTPUT_SCALE = 0.1  # of a layer that starts at 0; see the class


@keras.saving.register_keras_serializable("tfflows")
class ScaledConv2D(ConfiguredLayer):
    """A "same" convolution with a learned output scale, that sees where the image ends.

    `y = exp(3 log_scale) * (x * kernel + border * edge + bias)`, where `*` convolves `x`, padded with zeros, and an
    image that is 1 in the padding and 0 inside (`ops.spatial.border_windows`).

    `adapt` sets `bias` and `log_scale` so that a batch gives outputs of mean 0 and variance 1 in each filter: the
    activation normalization of Glow. With a kernel of zeros (the last layer of a conditioner) the layer starts as 0,
    and its scale at 0.1, where the published code has 1: Adam moves every entry of a kernel by the learning rate at
    first, all hidden filters push together, and with scale 1 a Glow of digits learned its training data faster and test
    data worse.

    Args:
      filters: int, number of output channels.
      kernel_size: odd int.
      zero_init: bool, start from kernel 0.
      edge: bool, see the border; no use in a 1x1 convolution, which has no padding.
      seed: int or `None`, of the kernel's initial values, `N(0, 0.05)`.

    Call arguments:
      x: `Tensor` `[batch, H, W, C]` with `H`, `W`, `C` known.

    Returns:
      `Tensor` `[batch, H, W, filters]` in the compute dtype.

    Raises:
      ValueError: filters below 1 or an even kernel size.

    References:
      Kingma, Dhariwal. Glow. 2018, arXiv 1807.03039, section 3.1, and the published code (`conv2d`, `conv2d_zeros`).
    """

    def __init__(self, filters, kernel_size=3, *, zero_init=False, edge=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(filters=filters)
        if not isinstance(kernel_size, int) or kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be an odd integer. Received: {kernel_size!r}")
        self.filters, self.kernel_size = filters, kernel_size
        self.zero_init, self.edge, self.seed = zero_init, edge, seed

    def build(self, input_shape):
        size = (self.kernel_size, self.kernel_size)
        self.kernel_initializer = (
            keras.initializers.Zeros() if self.zero_init else keras.initializers.RandomNormal(0.0, 0.05, self.seed)
        )
        # Not autocast: the scale is folded into the kernel in full precision.
        add = functools.partial(self.add_weight, autocast=False)
        self.kernel = add((*size, input_shape[-1], self.filters), self.kernel_initializer, name="kernel")
        if self.edge and self.kernel_size > 1:
            self.edge_kernel = add((*size, 1, self.filters), "zeros", name="edge")
        self.bias = add((self.filters,), "zeros", name="bias")
        first = math.log(_FIRST_OUTPUT_SCALE) / _SPEED if self.zero_init else 0.0
        self.log_scale = add((self.filters,), keras.initializers.Constant(first), name="log_scale")

    def call(self, x):
        scale = tf.exp(_SPEED * self.log_scale.value)
        y = self._convolved(x, self.kernel.value * scale)
        offset = tf.cast(self._offset(x, scale, self.bias.value * scale), y.dtype)
        return tf.nn.bias_add(y, offset) if offset.shape.rank == 1 else y + offset

    def adapt(self, x):
        """Sets bias and scale from the batch `x`; returns the outputs, of mean 0 and variance 1 in each filter."""
        ones, zeros = tf.ones_like(self.bias.value), tf.zeros_like(self.bias.value)
        y = self._convolved(x, self.kernel.value)
        y = tf.cast(y, self.bias.dtype) + self._offset(x, ones, zeros)
        mean, variance = tf.nn.moments(y, axes=list(range(y.shape.rank - 1)))
        deviation = tf.maximum(tf.sqrt(variance), _SMALLEST_SCALE)
        self.bias.assign(-mean)
        self.log_scale.assign(-tf.math.log(deviation) / _SPEED)
        return tf.cast((y - mean) / deviation, self.compute_dtype)

    def _convolved(self, x, kernel):
        if x.shape[0] == 0:  # TensorFlow gives it as many channels as its input (oneDNN, CPU)
            return tf.zeros([*x.shape[:-1], self.filters], self.compute_dtype)
        return tf.nn.conv2d(tf.cast(x, self.compute_dtype), tf.cast(kernel, self.compute_dtype), 1, "SAME")

    def _offset(self, x, scale, bias):
        """What is added at every pixel: the bias `[filters]`, or with the border's part `[1, H, W, filters]`."""
        if not (self.edge and self.kernel_size > 1):
            return bias
        windows = tf.constant(spatial.border_windows(x.shape[1:3], self.kernel_size), self.edge_kernel.dtype)
        y = tf.matmul(windows, tf.reshape(self.edge_kernel.value * scale, [-1, self.filters])) + bias
        return tf.reshape(y, [1, *x.shape[1:3], self.filters])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)
