"""Bijections of vectors whose parameters are learned, and moved by the context when there is a conditioner."""

import math

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import seeds, shapes


class Amortized(KerasBijector):
    """Base of bijections of events `[..., D]` that have parameters of the whole event, "ordinary" or "amortised".

    Every raw parameter is a learned weight, and with a conditioner (a hypernetwork) it depends on the context as well:

    * ordinary: `raw = weight`, the same for all examples;
    * amortised: `raw = weight + conditioner(context)`, for every example its own.

    The map from raw parameters to a bijection is the subclass's, and gives an invertible one for all of them.

    Subclasses share the arguments `event_size`, `conditioner`, `dtype`, `seed` and `name`.

    Args:
      event_size: int >= 1, `D`.
      shapes: dict from the name of a raw parameter to its shape; a conditioner returns their entries one after another.
      parameters: the subclass constructor's arguments, of which `conditioner`, `dtype` and `seed` are read here. The
        conditioner is a built Keras layer from the context alone to as many values as there are raw parameters, which
        are added to the weights; `None` for parameters that are the same for all examples.

    Raises:
      ValueError: an event size below 1, a missing context, or a conditioner output of the wrong size.
    """

    def __init__(self, event_size, shapes, *, parameters):
        arguments.check_integer(event_size=event_size)
        super().__init__(forward_min_event_ndims=1, event_shape=[event_size], parameters=parameters)
        self._raw_names, initial = tuple(shapes), self.random_weights(seeds.given_or_drawn(parameters["seed"]))
        for each, shape in shapes.items():
            value = initial.get(each, np.zeros(shape))
            setattr(self, each, self.add_weight(name=each, value=value, dtype=parameters["dtype"]))
        conditioner = parameters["conditioner"]
        self.conditioner = None if conditioner is None else self.track_layer(conditioner)

    def raw_parameters(self, dtype, context):
        """The raw parameters in order: `[*shape]`, or amortised `[..., *shape]` with the context's batch axes."""
        weights = [tf.cast(getattr(self, name).value, dtype) for name in self._raw_names]
        if self.conditioner is None:
            return weights
        sizes = [math.prod(weight.shape) for weight in weights]
        moved = conditioning.from_context(self, context, size=sum(sizes), dtype=dtype)
        batch = shapes.batch_shape(moved, 1)
        return [
            w + part if w.shape.rank == 1 else w + tf.reshape(part, tf.concat([batch, w.shape], axis=0))
            for w, part in zip(weights, tf.split(moved, sizes, axis=-1))
        ]
