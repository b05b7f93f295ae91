"""Patches of an image as a sequence of tokens."""

import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import shapes, spatial


class Patches(KerasBijector):
    """Tokens of the latent are square patches of the data, row by row.

    With patch size `p`, `T = (H / p) (W / p)` and `F = p^2 C`:

    * forward, `[..., T, F] -> [..., H, W, C]`
    * inverse, `[..., H, W, C] -> [..., T, F]`: entry `(k p + l) C + c` of token `i W / p + j` is
      `y[p i + k, p j + l, c]`
    * log-det: 0

    `event_ndims`: 2 of the latent, 3 of the data. Cost: a copy in each direction.

    Args:
      image_shape: `(H, W, C)`, height and width multiples of `patch_size`.
      patch_size: int >= 1, `p`.

    Raises:
      ValueError: a patch size below 1, or an image shape that it does not divide.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Patches
    >>> Patches((32, 32, 3), 4).inverse(tf.zeros([8, 32, 32, 3])).shape.as_list()
    [8, 64, 48]

    References:
      Zhai et al. Normalizing flows are capable generative models. ICML 2025, arXiv 2412.06329.
    """

    def __init__(self, image_shape, patch_size, *, name="patches"):
        parameters = dict(locals())
        arguments.check_integer(patch_size=patch_size)
        shape = tuple(image_shape)
        if len(shape) != 3 or any(not size or size < 1 for size in shape):
            raise ValueError(f"`image_shape` must be (height, width, channels), all known. Received: {image_shape}")
        height, width, channels = shape
        if height % patch_size or width % patch_size:
            raise ValueError(
                f"Height and width must be multiples of the patch size, {patch_size}. Received: {image_shape}"
            )
        self._patch_size, self._image_shape = patch_size, shape
        self._rows, self._columns = height // patch_size, width // patch_size
        self._token_shape = (self._rows * self._columns, channels * patch_size**2)
        ndims = {"forward_min_event_ndims": 2, "inverse_min_event_ndims": 3}
        super().__init__(**ndims, is_constant_jacobian=True, parameters=parameters)

    @property
    def token_shape(self):
        """`(T, F)`."""
        return self._token_shape

    def forward_and_log_det(self, x, context=None):
        self._forward_event_shape(x.shape)
        batch = tf.shape(x)[:-2]
        blocks = tf.reshape(x, tf.concat([batch, [self._rows, self._columns, self._token_shape[1]]], axis=0))
        y = blocks if self._patch_size == 1 else spatial.depth_to_space(blocks, self._patch_size)
        return shapes.known(y, [*x.shape[:-2], *self._image_shape]), tf.zeros(shapes.batch_shape(x, 2), x.dtype)

    def inverse_and_log_det(self, y, context=None):
        self._inverse_event_shape(y.shape)
        blocks = y if self._patch_size == 1 else spatial.space_to_depth(y, self._patch_size)
        x = tf.reshape(blocks, tf.concat([tf.shape(y)[:-3], self._token_shape], axis=0))
        return shapes.known(x, [*y.shape[:-3], *self._token_shape]), tf.zeros(shapes.batch_shape(y, 3), y.dtype)

    def _forward_event_shape(self, shape):
        return self._replaced(shape, self._token_shape, self._image_shape)

    def _inverse_event_shape(self, shape):
        return self._replaced(shape, self._image_shape, self._token_shape)

    def _replaced(self, shape, expected, by):
        ndims = len(expected)
        if shape.rank is None or shape.rank < ndims or not shape[shape.rank - ndims :].is_compatible_with(expected):
            raise ValueError(f"{self.name} expects events of shape {expected}. Received: shape {shape}")
        return tf.TensorShape([*shape[: shape.rank - ndims], *by])

    def _forward_event_shape_tensor(self, shape):
        return tf.concat([shape[:-2], self._image_shape], axis=0)

    def _inverse_event_shape_tensor(self, shape):
        return tf.concat([shape[:-3], self._token_shape], axis=0)
