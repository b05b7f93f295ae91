"""What image flows share: the data's levels, preprocessing, one scale of a multi-scale architecture."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, layers, networks

tfb, tfd = tfp.bijectors, tfp.distributions

_DEQUANTIZATIONS = {"uniform": layers.UniformDequantization, "variational": layers.VariationalDequantization}
_PREPROCESSINGS = ("scale", "logit")


def check_image_shape(image_shape, divisor):
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


def dequantization(kind, image_shape, *, discrete_levels, num_bits, seed, dtype):
    """The dequantization layer of an image flow.

    Args:
      kind: "uniform", "variational", a `layers.Dequantization`, or `None` for images of reals.
      image_shape: `(H, W, C)`.
      discrete_levels: int, the pixels are integers from 0 to this minus 1.
      num_bits: int, bits that are kept of a pixel; `None` for all.
      seed: int or `None`, of the noise and of the weights of a variational one.
      dtype: Keras precision policy.

    Raises:
      ValueError: an unknown kind, or levels that `num_bits` does not divide.
    """
    if kind is None or isinstance(kind, layers.Dequantization):
        return kind
    if kind not in _DEQUANTIZATIONS:
        raise ValueError(
            f"`dequantization` must be one of {list(_DEQUANTIZATIONS)}, a tfflows.layers.Dequantization or None. "
            f"Received: {kind!r}"
        )
    kept = None if num_bits is None else 2**num_bits
    if kind == "uniform":
        exact = bijection_dtype(dtype).name
        return layers.UniformDequantization(discrete_levels, kept_levels=kept, seed=seed, dtype=exact)
    return layers.VariationalDequantization(image_shape, discrete_levels, kept_levels=kept, seed=seed, dtype=dtype)


def prepare(flow, image_shape, dtype):
    """The dequantization and the links nearest to the data that the options of an image flow ask for.

    Args:
      flow: model with `dequantization_kind`, `discrete_levels`, `num_bits`, `preprocessing`, `seed`, `dtype_policy`.
      image_shape: `(H, W, C)`.
      dtype: of the bijection.

    Returns:
      The layer or `None`, and a list of bijectors.
    """
    layer = dequantization(
        flow.dequantization_kind,
        image_shape,
        discrete_levels=flow.discrete_levels,
        num_bits=flow.num_bits,
        seed=flow.seed,
        dtype=flow.dtype_policy,
    )
    return layer, preprocessing(flow.preprocessing, layer, image_shape, dtype)


def preprocessing(kind, dequantization, image_shape, dtype):
    """The links nearest to the data: from reals around 0 to dequantized levels.

    Args:
      kind: "scale" to `x / levels - 1/2` (Glow), or "logit" of `0.05 + 0.9 x / levels` (RealNVP).
      dequantization: layer, or `None`: reals are standardised by `adapt`.
      image_shape: `(H, W, C)`.
      dtype: of the bijection.

    Raises:
      ValueError: an unknown kind.
    """
    if kind not in _PREPROCESSINGS:
        raise ValueError(f"`preprocessing` must be one of {_PREPROCESSINGS}. Received: {kind!r}")
    if dequantization is None:
        return [bijectors.ActNorm(image_shape, trainable=False, dtype=dtype.name, name="standardize")]
    if kind == "logit":
        return [tfb.Invert(bijectors.Logit(0.05, high=float(dequantization.kept_levels)))]
    return [tfb.Scale(tf.constant(dequantization.kept_levels, dtype)), tfb.Shift(tf.constant(0.5, dtype))]


def standard_normal(image_shape, dtype):
    """The base of every image flow: its learned priors are bijectors."""
    return tfd.Sample(tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), sample_shape=list(image_shape))


def prior_conditioner(channels, *, context_size, num_classes, dtype):
    """A layer from the context to shift and log-scale of each channel of the top prior; `None` without context."""
    if context_size is None and num_classes is None:
        return None
    sizes = {"context_size": context_size, "num_classes": num_classes}
    return networks.ContextLinear(2 * channels, **sizes, dtype=dtype, name="top_prior")


def squeezed(steps, name):
    """Steps on blocks of 2 x 2 pixels as channels, in and out an image: one scale."""
    return bijectors.Chain([bijectors.Squeeze(), *steps, tfb.Invert(bijectors.Squeeze())], name=name)


def bijection_dtype(policy):
    """float64 for a float64 policy, else float32: half precision is for conditioners only."""
    return tf.float64 if policy.variable_dtype == "float64" else tf.float32
