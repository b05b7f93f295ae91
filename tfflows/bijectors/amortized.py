"""Bijections of vectors whose parameters are learned, and moved by the context when there is a conditioner."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector


class Amortized(KerasBijector):
    """Base of bijections of events `[..., D]` that have parameters of the whole event, "ordinary" or "amortised".

    Every raw parameter is a learned weight, and with a conditioner (a hypernetwork) it depends on the context as well:

    * ordinary: `raw = weight`, the same for all examples;
    * amortised: `raw = weight + conditioner(context)`, for every example its own.

    The map from raw parameters to a bijection is the subclass's, and gives an invertible one for all of them.

    Args:
      event_size: int >= 1, `D`.
      shapes: dict from the name of a raw parameter to its shape; a conditioner returns their entries one after another.
      conditioner: built Keras layer from the context alone to `num_parameters` values on its last axis; `None` for
        ordinary parameters.
      dtype: "float32" or "float64", of the weights; events of either dtype are accepted.
      seed: int or `None`, of the initial weights that are random.
      parameters: the subclass constructor's arguments.
      name: str.

    Raises:
      ValueError: an event size below 1, a missing context, or a conditioner output of the wrong size.
    """

    def __init__(self, event_size, shapes, *, conditioner, dtype, seed, parameters, name):
        super().__init__(forward_min_event_ndims=1, event_shape=[event_size], parameters=parameters, name=name)
        seed = keras.random.randint((), 0, 2**31 - 1).numpy() if seed is None else seed
        self._raw_names, initial = tuple(shapes), self.random_values(np.random.default_rng(seed))
        for each, shape in shapes.items():
            value = initial.get(each, np.zeros(shape))
            setattr(self, each, self.add_weight(name=each, shape=shape, initializer=_constant(value), dtype=dtype))
        self.conditioner = None if conditioner is None else self.track_layer(conditioner)

    def random_values(self, rng):
        """Initial values of the weights that start at random, by name; the others start at 0."""
        return {}

    def fresh_weights(self, seed):
        values = self.random_values(np.random.default_rng(seed))
        return [(getattr(self, name), tf.constant(value, getattr(self, name).dtype)) for name, value in values.items()]

    def raw_parameters(self, dtype, context):
        """The raw parameters in order: `[*shape]`, or amortised `[..., *shape]` with the context's batch axes."""
        weights = [tf.cast(getattr(self, name).value, dtype) for name in self._raw_names]
        if self.conditioner is None:
            return weights
        sizes = [math.prod(weight.shape) for weight in weights]
        moved = conditioning.from_context(self.conditioner, context, size=sum(sizes), dtype=dtype, name=self.name)
        return [
            weight + tf.reshape(part, [*_batch(moved), *weight.shape]) if weight.shape.rank != 1 else weight + part
            for weight, part in zip(weights, tf.split(moved, sizes, axis=-1))
        ]


def sizes_checked(**sizes):
    """Refuses sizes of events that are not integers of at least 1.

    Raises:
      ValueError: naming the argument.
    """
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"`{name}` must be an integer of at least 1. Received: {size!r}")


def _batch(x):
    """The axes of `x` but the last, each known or a tensor."""
    dynamic = tf.unstack(tf.shape(x)[:-1]) if x.shape.rank > 1 else []
    return [size if size is not None else each for size, each in zip(x.shape[:-1], dynamic)]


def _constant(value):
    return lambda shape, dtype: tf.constant(value, dtype)
