"""Density estimators of vectors: a chain of layers, and what stands between them."""

import math

import numpy as np
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.models.architecture import Architecture

tfb = tfp.bijectors

ONE_ENTRY = (
    ", which couplings cannot split; NeuralSplineFlow(kind='autoregressive') and AutoregressiveFlow take events of one "
    "entry"
)
NUMBERS = ", numbers; as events of one entry they are `x[:, None]`"

LIMIT_OF_SCALES = (  # what an option says of `limit_of_scales`
    "`min(3, 8 / num_layers)` of vectors, so that all layers together do not scale by more than deep and shallow flows "
    "need: with 3 in each, training may stray to losses of thousands of nats."
)


class LayeredFlow(Architecture):
    """Base of flows over events of any shape, as vectors, with `num_layers`, `mixing`, `tails` and `whiten`.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), learned tails and
    whitening if there are to be any, then the layers with a mixing of the entries between them. Subclasses write
    `layer`.
    """

    least_size = 1
    """Entries of an event, at least."""

    def layer(self, i, size, rng):
        """Subclasses: layer number `i`, a bijector of vectors of that size; `rng` draws what is fixed and random."""
        raise NotImplementedError(f"{type(self).__name__} must define layer")

    def angles(self, size):
        """Subclasses: the entries of events of that size which are angles, ints; here none."""
        return []

    def checked_shape(self, event_shape):
        least, size = self.least_size, 0 if not event_shape or None in event_shape else math.prod(event_shape)
        if size < least:
            entries = "entry" if least == 1 else "entries"
            raise ValueError(
                f"`event_shape` must be known and have at least {least} {entries}. Received: {event_shape}"
                f"{ONE_ENTRY if size == 1 else NUMBERS if event_shape == () else ''}"
            )
        return super().checked_shape(event_shape)

    def links(self, event_shape):
        dtype, rng = self.bijection_dtype, np.random.default_rng(self.seed or 0)
        size = math.prod(event_shape)
        angles = self.angles(size)
        others = size - len(angles)
        links = of_first(standardising(self, others) if others else [], others, size)
        for i in range(self.num_layers):
            mixed = mixing(self.mixing, i, others, rng=rng, dtype=dtype)
            links += [*of_first(mixed, others, size), self.layer(i, size, rng)]
        if angles:
            links = with_angles_last(links, angles, size, self.period, dtype)
        if event_shape != (size,):
            links.insert(0, tfb.Reshape(event_shape_out=list(event_shape), event_shape_in=[size], name="event"))
        return links

    def layer_network_options(self, i, name):
        """What the network of layer `i` is given."""
        shared = {"hidden_units": self.hidden_units, "activation": self.activation, "residual": self.residual}
        return {**shared, **self.network_options(f"{name}_{i}", 1000 * i)}


def of_first(links, count, size):
    """Bijectors of the first `count` entries of events of that size, as they are if these are all."""
    if count == size:
        return links
    return [bijectors.FactorOut(each, count, name=f"{each.name}_of_others") for each in links]


def with_angles_last(links, angles, size, period, dtype):
    """Links over vectors with their angles last, in radians, as links over data and latents on the circle."""
    order = np.argsort(np.isin(np.arange(size), angles), kind="stable")
    start = [bijectors.Angles(size, angles, period=2 * math.pi if period is None else period, dtype=dtype.name)]
    if (order != np.arange(size)).any():
        start.append(bijectors.Permutation(np.argsort(order), name="angles_last"))
    last = range(size - len(angles), size)
    return [*start, *links, bijectors.Angles(size, last, centred=False, name="angles_of_latents")]


def limit_of_scales(num_layers):
    """That of the log-scales of one affine layer among so many."""
    return min(3.0, 8.0 / num_layers)


def standardising(flow, size):
    """The links nearest to the data: standardisation of vectors of that size, and `tails` and `whiten` if asked for."""
    dtype = flow.bijection_dtype.name
    links = [bijectors.ActNorm([size], trainable=False, dtype="float64", name="standardize")]
    if flow.tails:
        links.append(bijectors.TailTransform([size], dtype=dtype, name="tails"))
    if flow.whiten:
        options = {"whiten": "symmetric", "trainable": False, "dtype": dtype, "name": "whiten"}
        links.append(bijectors.InvertibleConv([size], **options))
    return links


def mixing(kind, i, size, *, rng, dtype):
    """The links that mix the entries before layer `i`; none before the first, none for events of one entry.

    Layers swap the parts of the entries, so permutations stand before every second one only.

    Args:
      kind: "permutation" (fixed, random), "lu" (the same, and `LULinear` before every layer),
        "householder" (as many reflections as entries, 8 at most, before every layer), or "none".
      i: int.
      size: int.
      rng: `numpy.random.Generator`, of the permutations.
      dtype: `tf.DType`.
    """
    if i == 0 or size <= 1:
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
