"""What image flows share: the data's levels, preprocessing, one scale of a multi-scale architecture."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.models.options import Option

tfb = tfp.bijectors


def check_image_shape(image_shape, divisor=1):
    """`(H, W, C)` as a tuple of ints, height and width multiples of `divisor`.

    Raises:
      ValueError: anything else.
    """
    shape = tuple(image_shape)
    if len(shape) != 3 or any(size is None or int(size) != size or size < 1 for size in shape):
        raise ValueError(f"`image_shape` must be (height, width, channels), all known. Received: {image_shape}")
    if any(size % divisor for size in shape[:2]):
        raise ValueError(
            f"Height and width must be multiples of {divisor}: every level halves them. Received: {image_shape}; use "
            "fewer levels, or crop or pad the images"
        )
    return tuple(map(int, shape))


def shape_option(sides):
    """The option `image_shape`, a table; `sides`: str, what height and width have to be."""
    meaning = f"`(H, W, C)`, {sides}; `None` to learn it from the first `fit`."
    return {"image_shape": Option(None, meaning, convert=check_image_shape)}


def preprocessing(flow, image_shape):
    """The links nearest to the data: from reals around 0 to dequantized levels.

    Args:
      flow: architecture whose `preprocessing` is "scale" to `x / levels - 1/2` (Glow), or "logit" of
        `0.05 + 0.9 x / levels` (RealNVP); without a dequantization, reals are standardised by `adapt`.
      image_shape: `(H, W, C)`.
    """
    dtype, layer = flow.bijection_dtype, flow.dequantization
    if layer is None:
        return [bijectors.ActNorm(image_shape, trainable=False, dtype=dtype.name, name="standardize")]
    if flow.preprocessing == "logit":
        return [tfb.Invert(bijectors.Logit(0.05, high=float(layer.kept_levels)))]
    return [tfb.Scale(tf.constant(layer.kept_levels, dtype)), tfb.Shift(tf.constant(0.5, dtype))]


def squeezed(steps, name):
    """Steps on blocks of 2 x 2 pixels as channels, in and out an image: one scale."""
    return bijectors.Chain([bijectors.Squeeze(), *steps, tfb.Invert(bijectors.Squeeze())], name=name)
