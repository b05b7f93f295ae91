"""Multilayer perceptron conditioner."""

import keras

from tfflows import arguments
from tfflows.networks.conditioner import event_shape_of
from tfflows.networks.fully_connected import FullyConnected


@keras.saving.register_keras_serializable("tfflows")
class MLP(FullyConnected):
    """Dense layers with an optional context, ended by a zero-initialised linear layer.

    `h_0 = activation(x W_0 + c U + b_0)`, `h_{i+1} = activation(h_i W_i + b_i)`, output `h_n W_n + b_n` with
    `W_n = 0`, `b_n = 0` at the start, so that a coupling starts as the identity (Glow, Kingma and Dhariwal 2018,
    section 3.3).

    Args:
      units: int, size of the output.
      **kwargs: of `FullyConnected` (`hidden_units`, `activation`, `residual`, `spread_biases`, `zero_init`, `seed`) and
        `Conditioner` (`context_size`, `num_classes`).

    Call arguments and errors: see `Conditioner`; the output is `[..., units]`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import MLP
    >>> MLP(4, hidden_units=(64, 64))(tf.ones([8, 3])).shape.as_list()
    [8, 4]
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(units=units)
        self.keep(units=units)
        widths = [*self.hidden_units, units]
        self.dense = [keras.layers.Dense(width, **self.layer_options(i)) for i, width in enumerate(widths)]

    def build(self, input_shape):
        size = event_shape_of(input_shape)[-1] + self.encoded_size
        for i, layer in enumerate(self.dense):
            layer.bias_initializer = self.bias_initializer(i, size)
            layer.build((None, size))
            size = layer.units
