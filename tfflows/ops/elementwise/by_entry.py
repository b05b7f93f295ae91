"""Two maps, each of its own entries."""

import dataclasses

import tensorflow as tf

from tfflows.ops.elementwise.elementwise_map import ElementwiseMap, check_map


@dataclasses.dataclass(frozen=True)
class ByEntry(ElementwiseMap):
    """One map of the first entries of the last axis, another of the last ones.

    Each takes the first of the parameters, as many as it has, the others are not used. It is for tensors whose last
    axis holds the entries of an event: not for an `Autoregressive` bijector whose network gives them one by one.

    Args:
      first, last: `ElementwiseMap`s; anything else is a `TypeError`.
      num_last: int, how many entries are the last ones.
    """

    first: ElementwiseMap
    last: ElementwiseMap
    num_last: int

    def __post_init__(self):
        check_map(self.first)
        check_map(self.last)

    @property
    def num_parameters(self):
        return max(self.first.num_parameters, self.last.num_parameters)

    def forward(self, x, *parameters):
        return self._each(self.first.forward, self.last.forward, x, parameters)

    def inverse(self, y, *parameters):
        return self._each(self.first.inverse, self.last.inverse, y, parameters)

    def _each(self, first, last, x, parameters):
        sizes = [x.shape[-1] - self.num_last, self.num_last]
        parts = zip(tf.split(x, sizes, axis=-1), tf.split(tf.stack(parameters), sizes, axis=-1))
        found = [
            function(part, *tf.unstack(raw[: map_.num_parameters]))
            for function, map_, (part, raw) in zip((first, last), (self.first, self.last), parts)
        ]
        return tuple(tf.concat(each, axis=-1) for each in zip(*found))
