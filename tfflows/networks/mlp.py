"""Multilayer perceptron conditioner."""

import keras
import tensorflow as tf

from tfflows.networks.conditioner import Conditioner, at_least_one, event_shape_of, spread_over


@keras.saving.register_keras_serializable("tfflows")
class MLP(Conditioner):
    """Dense layers with an optional context, ended by a zero-initialised linear layer.

    `h_0 = activation(x W_0 + c U + b_0)`, `h_{i+1} = activation(h_i W_i + b_i)`, output `h_n W_n + b_n` with
    `W_n = 0`, `b_n = 0` at the start, so that a coupling starts as the identity (Glow, Kingma and Dhariwal 2018,
    section 3.3). With `residual=True` equal-width hidden layers add their input: `h_{i+1} = h_i + activation(...)`.

    Hidden layers compute in the layer's compute dtype (float16 or bfloat16 under a mixed policy), the last one, which
    is narrow, in the dtype of the weights: rounded to 8 or 11 bits, a shift would add its rounding to the data.

    Args:
      units: int, size of the output.
      hidden_units: sequence of ints, widths of the hidden layers.
      context_size: int, size of a float context vector; `None` for none.
      num_classes: int, number of classes of an integer context; `None` for none.
      activation: hidden activation.
      residual: bool, add skip connections between hidden layers of equal width.
      spread_biases: bool, whether hidden biases start uniform on `[-1/2, 1/2] / sqrt(inputs)` instead of 0, so that not
        all kinks of the activation start at 0: better where a network sees few numbers.
      zero_init: bool, initialise the last layer with zeros.
      seed: int or `None`, seed of the initial weights.

    Call arguments:
      inputs: `Tensor` `[..., n]`, or the pair `(x, context)` where context is `[..., context_size]` or integer
        labels `[...]`; batch axes broadcast.

    Returns:
      `Tensor` `[..., units]`.

    Raises:
      ValueError: sizes below 1, both `context_size` and `num_classes`, or a context missing or unexpected.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import MLP
    >>> MLP(4, hidden_units=(64, 64))(tf.ones([8, 3])).shape.as_list()
    [8, 4]
    """

    def __init__(
        self,
        units,
        *,
        hidden_units=(64, 64),
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
        at_least_one(units=units, hidden_units=tuple(hidden_units))
        self.units = units
        self.hidden_units = tuple(hidden_units)
        self.activation = keras.activations.get(activation)
        self.residual, self.spread_biases = residual, spread_biases
        self.zero_init = zero_init
        self.seed = seed
        self.dense = [self._dense(i, width) for i, width in enumerate([*self.hidden_units, units])]

    def _dense(self, i, width):
        last = i == len(self.hidden_units)
        seed = None if self.seed is None else self.seed + i
        return keras.layers.Dense(
            width,
            activation=None if last else self.activation,
            kernel_initializer="zeros" if last and self.zero_init else keras.initializers.GlorotUniform(seed=seed),
            dtype=self.variable_dtype if last else self.dtype_policy,
            name=f"dense_{i}",
        )

    def build(self, input_shape):
        size = event_shape_of(input_shape)[-1] + self.encoded_size
        for i, layer in enumerate(self.dense):
            if self.spread_biases and i < len(self.hidden_units):
                seed = None if self.seed is None else self.seed + 500 + i  # not the kernel's
                layer.bias_initializer = spread_over(size, seed)
            layer.build((None, size))
            size = layer.units

    def call(self, inputs):
        h, context = self.split_inputs(inputs)
        h = h if context is None else tf.concat([h, context], axis=-1)
        width = h.shape[-1]
        for layer in self.dense[:-1]:
            y = layer(h)
            h = h + y if self.residual and layer.units == width else y
            width = layer.units
        return self.dense[-1](h)

    def compute_output_shape(self, input_shape):
        return (*event_shape_of(input_shape)[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "spread_biases": self.spread_biases,
            "zero_init": self.zero_init,
            "seed": self.seed,
        }
