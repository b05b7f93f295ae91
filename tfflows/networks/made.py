"""Masked autoregressive network."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.networks.conditioner import Conditioner, at_least_one, spread_over
from tfflows.networks.entry_by_entry import EntryByEntry


@keras.saving.register_keras_serializable("tfflows")
class MADE(Conditioner):
    """Dense layers with masked kernels: in a given order, the outputs for an entry see the entries before it only.

    Inputs have degrees 1 to `D`, their places in `order`, hidden units degrees from 1 (0 with a context, the units
    that see the context alone) to `D - 1`. A hidden unit of degree `k` sees units of degree `k` or less, an output for
    the input of degree `k` sees units of degree less than `k`; the context is seen by all.

    With `n = num_outputs` there are `n` outputs for each entry: value `j` for entry `i` is number `j D + i`, as
    `Autoregressive` bijectors want it. The last layer starts at zero.

    Hidden layers compute in the layer's compute dtype, the last one in the dtype of the weights, as `MLP`'s do.

    Args:
      event_size: int, `D`.
      num_outputs: int, values for each entry.
      hidden_units: sequence of ints, widths of the hidden layers.
      order: "sequential" (entry 0 first), "reversed", "random", or the entries in their order.
      degrees: "sequential" (equally many hidden units of each degree) or "random", of the hidden units; or the
        degrees themselves, a sequence of integers for every hidden layer.
      context_size: int, size of a float context vector; `None` for none.
      num_classes: int, number of classes of an integer context; `None` for none.
      activation: hidden activation.
      residual: bool, add skip connections between hidden layers of equal width, whose degrees are then equal.
      spread_biases: bool, whether hidden biases start spread out instead of at 0, as those of `MLP`.
      zero_init: bool, initialise the last layer with zeros.
      seed: int or `None`, of the initial weights, and of the order and the degrees if they are random.

    Call arguments:
      inputs: `Tensor` `[..., D]`, or the pair `(x, context)` where context is `[..., context_size]` or integer
        labels `[...]`; batch axes broadcast.

    Returns:
      `Tensor` `[..., num_outputs * D]`.

    Raises:
      ValueError: sizes below 1, an order that does not hold every entry once, degrees out of their range, both
        `context_size` and `num_classes`, or a context missing or unexpected.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import MADE
    >>> MADE(3, num_outputs=2, hidden_units=(16, 16))(tf.ones([8, 3])).shape.as_list()
    [8, 6]

    References:
      Germain, Gregor, Murray, Larochelle. MADE: masked autoencoder for distribution estimation. ICML 2015, arXiv
      1502.03509, section 4.
    """

    def __init__(
        self,
        event_size,
        *,
        num_outputs=2,
        hidden_units=(64, 64),
        order="sequential",
        degrees="sequential",
        context_size=None,
        num_classes=None,
        activation="relu",
        residual=False,
        spread_biases=False,
        zero_init=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, **kwargs)
        at_least_one(event_size=event_size, num_outputs=num_outputs, hidden_units=tuple(hidden_units))
        self.event_size, self.num_outputs = event_size, num_outputs
        self.hidden_units = tuple(hidden_units)
        self.activation = keras.activations.get(activation)
        self.residual, self.spread_biases, self.zero_init, self.seed = residual, spread_biases, zero_init, seed
        rng = np.random.default_rng(keras.random.randint((), 0, 2**31 - 1).numpy() if seed is None else seed)
        self._order = _order(order, event_size, rng)
        self._degrees = self._hidden_degrees(degrees, rng)
        inputs = np.concatenate([self._input_degrees(), np.zeros(self.encoded_size, int)])
        outputs = np.tile(self._input_degrees() - 1, num_outputs)
        layers = [inputs, *self._degrees, outputs]
        self.dense = [self._masked_dense(i, *pair) for i, pair in enumerate(zip(layers, layers[1:]))]

    @property
    def order(self):
        """The entries of an event in their order: integer array `[D]`."""
        return self._order.copy()

    @property
    def hidden_degrees(self):
        """Degrees of the units of each hidden layer, integer arrays."""
        return [each.copy() for each in self._degrees]

    @property
    def has_steps(self):
        """Whether `entry_by_entry` gives what a pass does: with hidden layers, and not rounded to half precision."""
        return bool(self.hidden_units) and self.compute_dtype == self.variable_dtype

    def entry_by_entry(self, inputs):
        """The same outputs for one entry after another: `EntryByEntry`, for inputs with one batch axis.

        Args:
          inputs: `Tensor` `[batch, D]`, of which only the shape counts, or the pair of it and the context.
        """
        x, context = self.split_inputs(inputs)
        return EntryByEntry(self, context, x)

    def _input_degrees(self):
        return np.argsort(self._order) + 1

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

    def _masked_dense(self, i, sources, targets):
        last = i == len(self.hidden_units)
        seed = None if self.seed is None else self.seed + i
        zero, mask = last and self.zero_init, sources[:, None] <= targets
        spread = self.spread_biases and not last
        return _MaskedDense(
            mask,
            activation=None if last else self.activation,
            kernel_initializer=keras.initializers.Zeros() if zero else keras.initializers.GlorotUniform(seed=seed),
            bias_initializer=spread_over(len(mask), None if seed is None else seed + 500) if spread else "zeros",
            dtype=self.variable_dtype if last else self.dtype_policy,
            name=f"dense_{i}",
        )

    def build(self, input_shape):
        for layer in self.dense:
            layer.build((None, layer.input_size))

    def call(self, inputs):
        h, context = self.split_inputs(inputs)
        if h.shape[-1] != self.event_size:
            raise ValueError(f"{self.name} expects events of size {self.event_size}. Received: shape {h.shape}")
        h = h if context is None else tf.concat([h, context], axis=-1)
        for i, layer in enumerate(self.dense[:-1]):
            y = layer(h)
            h = h + y if i and self.residual and y.shape[-1] == h.shape[-1] else y
        return self.dense[-1](h)

    def compute_output_shape(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        return (*shape[:-1], self.num_outputs * self.event_size)

    def get_config(self):
        return {
            **super().get_config(),
            "event_size": self.event_size,
            "num_outputs": self.num_outputs,
            "hidden_units": list(self.hidden_units),
            "order": self._order.tolist(),
            "degrees": [each.tolist() for each in self._degrees],
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "spread_biases": self.spread_biases,
            "zero_init": self.zero_init,
            "seed": self.seed,
        }


class _MaskedDense(keras.layers.Layer):
    """`activation(x (kernel * mask) + bias)`, the mask `[inputs, units]`."""

    def __init__(self, mask, *, activation, kernel_initializer, bias_initializer, **kwargs):
        super().__init__(**kwargs)
        self._mask, self.activation = mask, activation
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.input_size = len(mask)

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=self._mask.shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=self._mask.shape[1:], initializer=self.bias_initializer)

    def masked_kernel(self):
        kernel = tf.convert_to_tensor(self.kernel)
        return kernel * tf.constant(self._mask, kernel.dtype)

    def call(self, x):
        h = x @ self.masked_kernel() + tf.convert_to_tensor(self.bias)
        return h if self.activation is None else self.activation(h)


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
