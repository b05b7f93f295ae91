"""A line of the conformance table: how a bijector is made and what may be fed to it."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint import composition
from tfflows.models import FlowModel

tfd = tfp.distributions


def bijection_dtype(policy):
    return "float64" if policy == "float64" else "float32"


@dataclasses.dataclass(frozen=True)
class Case:
    """A bijector, and what may be fed to it.

    Args:
      name: str, unique.
      make: `make(policy) -> tfb.Bijector`, the policy a Keras one ("float32", "float64", "mixed_float16", ...).
      event_shape: tuple, of both sides.
      context: `None`, "vector" (size 3) or "class" (3 classes).
      domain: interval of the forward direction's input, `None` for all reals (then every scale is tried): where it
        is defined, or where its inverse still resolves what it gave.
      image: interval of the inverse direction's input.
      weights: bool, whether there is anything to train.
      uniform: bool, whether the base is uniform on the domain, not standard normal.
      native: bool, whether the outermost composition is TFP's own, whose cache is stale by design of TFP.
    """

    name: str
    make: Callable
    event_shape: tuple
    context: str | None = None
    domain: tuple | None = None
    image: tuple | None = None
    weights: bool = True
    uniform: bool = False
    native: bool = False

    def __str__(self):
        return self.name

    @property
    def ndims(self):
        return len(self.event_shape)

    def fresh(self, policy="float32"):
        """A new bijector; two of them have equal weights."""
        return self.make(policy)

    def shared(self, policy="float32"):
        """One bijector for all tests; who writes its weights puts them back (`trees.restored`)."""
        return _shared(self, policy)

    def twin(self, policy="float32"):
        """Another for all tests, with equal weights: no cache of the first can answer for it."""
        return _twin(self, policy)

    def kwargs(self, bijector, batch, dtype="float32", seed=7):
        """Keyword arguments of `forward` and `inverse` for a batch shape: the context, or nothing."""
        return composition.context_kwargs(bijector, self.context_for(batch, dtype, seed))

    def context_for(self, batch, dtype="float32", seed=7):
        rng = np.random.default_rng(seed)
        if self.context == "vector":
            return tf.constant(rng.normal(size=(*batch, 3)), dtype)
        return tf.constant(rng.integers(0, 3, size=batch), tf.int32) if self.context == "class" else None

    def inputs(self, batch, dtype="float32", *, scale=1.0, seed=0, interval="domain"):
        """Input of `forward` (or of `inverse`: `interval="image"`), new tensors at every call."""
        shape, limits = (*batch, *self.event_shape), getattr(self, interval)
        rng = np.random.default_rng(seed)
        if limits is None:
            return tf.constant(scale * rng.normal(size=shape), dtype)
        low, high = limits
        return tf.constant(low + (high - low) * (0.02 + 0.96 * rng.random(shape)), dtype)

    def base(self, dtype="float32"):
        """Standard normal, or uniform on the domain."""
        ends = [tf.constant(end, dtype) for end in (self.domain if self.uniform else (0.0, 1.0))]
        return tfd.Sample((tfd.Uniform if self.uniform else tfd.Normal)(*ends), self.event_shape)

    def distribution(self, bijector, dtype="float32"):
        return tfd.TransformedDistribution(self.base(dtype), bijector)

    def model(self, bijector, policy="float32"):
        sizes = {"vector": {"context_size": 3}, "class": {"num_classes": 3}}.get(self.context, {})
        distribution = self.distribution(bijector, bijection_dtype(policy))
        return FlowModel(distribution, dtype=policy, name=self.name, **sizes)


@functools.cache
def _shared(case, policy):
    return case.make(policy)


@functools.cache
def _twin(case, policy):
    return case.make(policy)
