"""Blocks of pixels as channels."""

import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import shapes, spatial


class Squeeze(KerasBijector):
    """Channels of the latent are blocks of pixels of the data: space-to-depth, in the direction data to latent.

    With block size `b`:

    * forward, `[..., H, W, C] -> [..., b H, b W, C / b^2]`: `y[b i + k, b j + l, c] = x[i, j, (k b + l) C/b^2 + c]`
    * inverse, `[..., H, W, C] -> [..., H / b, W / b, b^2 C]`: the paper's squeezing operation.
    * log-det: 0

    `event_ndims`: 3. Cost: a copy in each direction.

    Args:
      block_size: int >= 2.

    Raises:
      ValueError: a block size below 2, or images whose size it does not divide.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Squeeze
    >>> Squeeze().inverse(tf.zeros([8, 32, 32, 3])).shape.as_list()
    [8, 16, 16, 12]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803, section 3.6.
    """

    def __init__(self, block_size=2, *, name="squeeze"):
        parameters = dict(locals())
        arguments.check_integer(least=2, block_size=block_size)
        self._block_size = block_size
        super().__init__(forward_min_event_ndims=3, is_constant_jacobian=True, parameters=parameters, name=name)

    def forward_and_log_det(self, x, context=None):
        self._forward_event_shape(x.shape)
        return spatial.depth_to_space(x, self._block_size), tf.zeros(shapes.batch_shape(x, 3), x.dtype)

    def inverse_and_log_det(self, y, context=None):
        self._inverse_event_shape(y.shape)
        return spatial.space_to_depth(y, self._block_size), tf.zeros(shapes.batch_shape(y, 3), y.dtype)

    def _forward_event_shape(self, shape):
        *rest, height, width, channels = shape.as_list()
        b = self._block_size
        if channels is not None and channels % b**2:
            raise ValueError(f"{self.name} expects a multiple of {b**2} channels. Received: shape {shape}")
        return tf.TensorShape([*rest, height and height * b, width and width * b, channels and channels // b**2])

    def _inverse_event_shape(self, shape):
        *rest, height, width, channels = shape.as_list()
        b = self._block_size
        if any(size is not None and size % b for size in (height, width)):
            raise ValueError(f"{self.name} expects height and width to be multiples of {b}. Received: shape {shape}")
        return tf.TensorShape([*rest, height and height // b, width and width // b, channels and channels * b**2])

    def _forward_event_shape_tensor(self, shape):
        b = self._block_size
        return tf.concat([shape[:-3], shape[-3:-1] * b, shape[-1:] // b**2], axis=0)

    def _inverse_event_shape_tensor(self, shape):
        b = self._block_size
        return tf.concat([shape[:-3], shape[-3:-1] // b, shape[-1:] * b**2], axis=0)
