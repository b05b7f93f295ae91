"""What networks of dense layers share: their layers, how they start, skip connections."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.conditioner import Conditioner, event_shape_of
from tfflows.ops import seeds


class FullyConnected(Conditioner):
    """Base of networks of dense layers, ended by a linear layer.

    Hidden layers compute in the layer's compute dtype (float16 or bfloat16 under a mixed policy), the last one, which
    is narrow, in the dtype of the weights: rounded to 8 or 11 bits, a shift would add its rounding to the data.

    Subclasses put their layers into the list `dense`.

    Args:
      hidden_units: sequence of ints, widths of the hidden layers.
      activation: hidden activation.
      residual: bool, add skip connections between hidden layers of equal width: `h_{i+1} = h_i + activation(...)`.
      spread_biases: bool, whether hidden biases start uniform on `[-1/2, 1/2] / sqrt(inputs)` instead of 0, so that not
        all kinks of the activation start at 0: better where a network sees one or two numbers.
      zero_init: bool, initialise the last layer with zeros.
      output_start: sequence of floats that the biases of the last layer start at instead of 0, one for each output, or
        for each parameter of a map: as many outputs in turn start at each, the value of that parameter for every entry.
      num_angles: int, how many entries of the event, the last ones, are angles in radians: the network sees their
        cosines and sines.
      seed: int or `None`, of the initial weights.
      **kwargs: of `Conditioner`.

    Returns:
      `Tensor` `[..., outputs]`, from a call.
    """

    adds_input = True
    """Whether `residual` adds the input to a first hidden layer of its width."""

    def __init__(
        self,
        *,
        hidden_units=(64, 64),
        activation="relu",
        residual=False,
        spread_biases=False,
        zero_init=True,
        output_start=None,
        num_angles=0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        arguments.check_sizes(hidden_units=tuple(hidden_units))
        arguments.check_integer(0, num_angles=num_angles)
        self.hidden_units, self.activation = tuple(hidden_units), keras.activations.get(activation)
        self.residual, self.spread_biases = residual, spread_biases
        self.output_start = None if output_start is None else tuple(map(float, output_start))
        self.zero_init, self.num_angles, self.seed = zero_init, num_angles, seed

    def layer_options(self, i, fan_in=None):
        """Arguments of layer number `i`; without the number of its inputs its biases start at 0."""
        last, seed = i == len(self.hidden_units), seeds.plus(self.seed, i)
        zero = last and self.zero_init
        return {
            "activation": None if last else self.activation,
            "kernel_initializer": keras.initializers.Zeros() if zero else keras.initializers.GlorotUniform(seed=seed),
            "bias_initializer": self.bias_initializer(i, fan_in),
            "dtype": self.variable_dtype if last else self.dtype_policy,
            "name": f"dense_{i}",
        }

    def bias_initializer(self, i, fan_in):
        """Keras initializer of the biases of layer number `i`."""
        if i == len(self.hidden_units) and self.output_start is not None:
            return self._output_start
        if fan_in is None or i == len(self.hidden_units) or not self.spread_biases:
            return keras.initializers.Zeros()
        most, seed = 0.5 * fan_in**-0.5, seeds.plus(self.seed, 500 + i)  # another seed than the kernel's
        return keras.initializers.RandomUniform(-most, most, seed=seed)

    def _output_start(self, shape, dtype=None):
        (outputs,), parameters = shape, len(self.output_start)
        if outputs % parameters:
            raise ValueError(
                f"`output_start` must hold a number for each parameter or output, dividing the {outputs} outputs. "
                f"Received: {parameters} numbers"
            )
        return tf.repeat(tf.constant(self.output_start, dtype), outputs // parameters)

    def call(self, inputs):
        h, context = self.split_inputs(inputs)
        if self.num_angles:
            others, angles = tf.split(h, [h.shape[-1] - self.num_angles, self.num_angles], axis=-1)
            h = tf.concat([others, tf.cos(angles), tf.sin(angles)], axis=-1)
        h = h if context is None else tf.concat([h, context], axis=-1)
        for i, layer in enumerate(self.dense[:-1]):
            y = layer(h)
            skips = self.residual and y.shape[-1] == h.shape[-1] and (i > 0 or self.adds_input)
            h = h + y if skips else y
        return self.dense[-1](h)

    def compute_output_shape(self, input_shape):
        return (*event_shape_of(input_shape)[:-1], self.dense[-1].units)
