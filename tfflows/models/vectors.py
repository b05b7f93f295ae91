"""What density estimators of vectors share: the events' shape, the links nearest to the data, the mixing of entries."""

import math

import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.models import images

tfb, tfd = tfp.bijectors, tfp.distributions

MIXINGS = ("lu", "householder", "permutation", "none")


def flat_size(event_shape, *, least):
    """The number of entries of an event of any known shape.

    Raises:
      ValueError: an unknown shape, a scalar, or fewer entries than `least`.
    """
    shape = tuple(event_shape)
    if not shape or any(size is None or size < 1 for size in shape) or math.prod(shape) < least:
        raise ValueError(
            f"`event_shape` must be known and have at least {least} {'entry' if least == 1 else 'entries'}. "
            f"Received: {shape}"
        )
    return math.prod(shape)


def distribution(event_shape, links, *, dtype, name):
    """A standard normal of vectors, pushed through `links` to events of any shape, standardised.

    Args:
      event_shape: known shape.
      links: bijectors of vectors, the one nearest to the data first.
      dtype: `tf.DType`.
      name: str.
    """
    size = flat_size(event_shape, least=1)
    start = [bijectors.ActNorm([size], trainable=False, dtype=dtype.name, name="standardize")]
    if tuple(event_shape) != (size,):
        start.insert(0, tfb.Reshape(event_shape_out=list(event_shape), event_shape_in=[size], name="event"))
    return tfd.TransformedDistribution(
        images.standard_normal([size], dtype), bijectors.Chain([*start, *links]), name=name
    )


def mixing(kind, i, size, *, rng, dtype):
    """The links that mix the entries before layer `i`; none before the first, none for events of one entry.

    Layers swap the parts of the entries, so permutations stand before every second one only.

    Args:
      kind: one of `MIXINGS`: "permutation" (fixed, random), "lu" (the same, and `LULinear` before every layer),
        "householder" (as many reflections as entries, 8 at most, before every layer), or "none".
      i: int.
      size: int.
      rng: `numpy.random.Generator`, of the permutations.
      dtype: `tf.DType`.

    Raises:
      ValueError: an unknown kind.
    """
    check_mixing(kind)
    if i == 0 or size == 1:
        return []
    links = []
    if kind in ("permutation", "lu") and i % 2 == 0 and size > 2:
        links.append(bijectors.Permutation(rng.permutation(size), name=f"permutation_{i}"))
    if kind == "lu":
        links.append(bijectors.LULinear(size, dtype=dtype.name, name=f"lu_{i}"))
    if kind == "householder":
        options = {"num_reflections": min(size, 8), "seed": int(rng.integers(2**31)), "dtype": dtype.name}
        links.append(bijectors.Householder(size, **options, name=f"householder_{i}"))
    return links


def check_mixing(kind):
    """Refuses an unknown kind of mixing."""
    if kind not in MIXINGS:
        raise ValueError(f"`mixing` must be one of {MIXINGS}. Received: {kind!r}")
