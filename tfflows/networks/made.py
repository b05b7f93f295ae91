"""Masked autoregressive network."""

import keras
import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.entry_by_entry import EntryByEntry
from tfflows.networks.fully_connected import FullyConnected
from tfflows.ops import seeds


@keras.saving.register_keras_serializable("tfflows")
class MADE(FullyConnected):
    """Dense layers with masked kernels: in a given order, the outputs for an entry see the entries before it only.

    Inputs have degrees 1 to `D`, their places in `order`, hidden units degrees from 1 (0 with a context, the units
    that see the context alone) to `D - 1`. A hidden unit of degree `k` sees units of degree `k` or less, an output for
    the input of degree `k` sees units of degree less than `k`; the context is seen by all.

    With `n = num_outputs` there are `n` outputs for each entry: value `j` for entry `i` is number `j D + i`, as
    `Autoregressive` bijectors want it. The last layer starts at zero.

    Args:
      event_size: int, `D`.
      num_outputs: int, values for each entry.
      order: "sequential" (entry 0 first), "reversed", "random", or the entries in their order.
      degrees: "sequential" (equally many hidden units of each degree) or "random", of the hidden units; or the
        degrees themselves, a sequence of integers for every hidden layer.
      **kwargs: of `FullyConnected` and `Conditioner`. With `residual` layers of equal width have equal degrees; `seed`
        is also that of a random order and of random degrees.

    Call arguments: see `Conditioner`; the output is `[..., num_outputs * D]`.

    Raises:
      ValueError: as `Conditioner`; an order that does not hold every entry once, or degrees out of their range.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import MADE
    >>> MADE(3, num_outputs=2, hidden_units=(16, 16))(tf.ones([8, 3])).shape.as_list()
    [8, 6]

    References:
      Germain, Gregor, Murray, Larochelle. MADE: masked autoencoder for distribution estimation. ICML 2015, arXiv
      1502.03509, section 4.
    """

    adds_input = False  # degrees of inputs and of hidden units differ

    def __init__(self, event_size, *, num_outputs=2, order="sequential", degrees="sequential", **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(event_size=event_size, num_outputs=num_outputs)
        self.event_size, self.num_outputs = event_size, num_outputs
        rng = np.random.default_rng(seeds.given_or_drawn(self.seed))
        self.order = _read_only(_order(order, event_size, rng))
        self.degrees = tuple(map(_read_only, self._hidden_degrees(degrees, rng)))
        place = np.argsort(self.order) + 1
        arguments.check_integer(0, event_size, num_angles=self.num_angles)
        inputs = np.concatenate([place, place[event_size - self.num_angles :], np.zeros(self.encoded_size, int)])
        layers = [inputs, *self.degrees, np.tile(place - 1, num_outputs)]
        self.dense = [
            _MaskedDense(sources[:, None] <= targets, **self.layer_options(i, len(sources)))
            for i, (sources, targets) in enumerate(zip(layers, layers[1:]))
        ]

    @property
    def has_steps(self):
        """Whether `entry_by_entry` gives what a pass does: with hidden layers, no angles, not in half precision."""
        return bool(self.hidden_units) and not self.num_angles and self.compute_dtype == self.variable_dtype

    def entry_by_entry(self, inputs, *, unrolled=False):
        """The same outputs for one entry after another: `EntryByEntry`, for inputs with one batch axis.

        Args:
          inputs: `Tensor` `[batch, D]`, of which only the shape counts, or the pair of it and the context.
          unrolled: bool, for steps whose number is an int, without a `tf.TensorArray`.
        """
        x, context = self.split_inputs(inputs)
        return EntryByEntry(self, context, x, unrolled=unrolled)

    def _hidden_degrees(self, degrees, rng):
        """Integer arrays, the degrees of the units of each hidden layer."""
        least = 0 if self.conditional or self.event_size == 1 else 1
        most = self.event_size - 1
        if not isinstance(degrees, str):
            found = [np.asarray(each) for each in degrees]
            if [each.shape for each in found] != [(width,) for width in self.hidden_units] or any(
                each.dtype.kind != "i" or each.min() < 0 or each.max() > most for each in found
            ):
                raise ValueError(
                    f"`degrees` must hold for every hidden layer its {self.hidden_units} degrees, integers from 0 to "
                    f"{most}. Received: {degrees}"
                )
            return found
        if degrees not in ("sequential", "random"):
            raise ValueError(f'`degrees` must be "sequential", "random" or degrees. Received: {degrees!r}')
        found = []
        for width in self.hidden_units:
            if degrees == "sequential":
                found.append(least + np.arange(width) * (most - least + 1) // width)
            elif self.residual and found and len(found[-1]) == width:
                found.append(found[-1])
            else:
                found.append(rng.integers(min(found[-1]) if found else least, most + 1, size=width))
        return found

    def build(self, input_shape):
        for layer in self.dense:
            layer.build((None, len(layer.mask)))

    def split_inputs(self, inputs):
        """As `Conditioner.split_inputs`; refuses events of another size."""
        x, context = super().split_inputs(inputs)
        if x.shape[-1] != self.event_size:
            raise ValueError(f"{self.name} expects events of size {self.event_size}. Received: shape {x.shape}")
        return x, context


class _MaskedDense(keras.layers.Dense):
    """`activation(x (kernel * mask) + bias)`, the mask `[inputs, units]`."""

    def __init__(self, mask, **kwargs):
        super().__init__(mask.shape[1], **kwargs)
        self.mask = mask

    def masked_kernel(self):
        kernel = tf.convert_to_tensor(self.kernel)
        return kernel * tf.constant(self.mask, kernel.dtype)

    def call(self, x):
        return self.activation(x @ self.masked_kernel() + tf.convert_to_tensor(self.bias))


def _order(order, size, rng):
    """The entries `0 ... size-1` in their order, an integer array."""
    named = {"sequential": np.arange(size), "reversed": np.arange(size)[::-1], "random": rng.permutation(size)}
    if isinstance(order, str):
        if order not in named:
            raise ValueError(f"`order` must be one of {list(named)} or the entries in order. Received: {order!r}")
        return named[order]
    found = np.asarray(order)
    if found.shape != (size,) or not np.array_equal(np.sort(found), np.arange(size)):
        raise ValueError(f"`order` must hold each of 0 ... {size - 1} once. Received: {order}")
    return found


def _read_only(array):
    """A copy that nobody changes: the masks were made from it."""
    array = np.array(array)
    array.flags.writeable = False
    return array
