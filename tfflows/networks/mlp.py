"""Multilayer perceptrons: on events, and on every token of a sequence."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.conditioner import event_shape_of
from tfflows.networks.fully_connected import FullyConnected
from tfflows.ops import shapes


@keras.saving.register_keras_serializable("tfflows")
class MLP(FullyConnected):
    """Dense layers with an optional context, ended by a zero-initialised linear layer.

    `h_0 = activation(x W_0 + c U + b_0)`, `h_{i+1} = activation(h_i W_i + b_i)`, output `h_n W_n + b_n` with
    `W_n = 0`, `b_n = 0` at the start, so that a coupling starts as the identity (Glow, Kingma and Dhariwal 2018,
    section 3.3).

    Args:
      units: int, size of the output.
      **kwargs: of `FullyConnected` and `Conditioner`.

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
        self.units = units
        widths = [*self.hidden_units, units]
        self.dense = [keras.layers.Dense(width, **self.layer_options(i)) for i, width in enumerate(widths)]

    def build(self, input_shape):
        size = event_shape_of(input_shape)[-1] + self.num_angles + self.encoded_size
        for i, layer in enumerate(self.dense):
            layer.bias_initializer = self.bias_initializer(i, size)
            layer.build((None, size))
            size = layer.units


@keras.saving.register_keras_serializable("tfflows")
class TokenMLP(MLP):
    """`MLP` on each token of sequences `[batch, T, n]`, which share one context: `[batch, context_size]` or `[batch]`.

    A label of -1 stands for no label.

    Args:
      units, and the others: see `MLP`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import TokenMLP
    >>> TokenMLP(4, num_classes=10)([tf.ones([8, 16, 3]), tf.zeros([8], tf.int32)]).shape.as_list()
    [8, 16, 4]
    """

    event_ndims = 2

    def split_inputs(self, inputs):
        """As `Conditioner.split_inputs`, the context repeated for each token."""
        x, context = super().split_inputs(inputs)
        if context is None:
            return x, None
        shape = tf.concat([tf.shape(x)[:-1], [self.encoded_size]], axis=0)
        return x, shapes.known(tf.broadcast_to(context[..., None, :], shape), [*x.shape[:-1], self.encoded_size])
