"""Glow's conditioner."""

import keras

from tfflows import arguments
from tfflows.networks.convolutional import ConvConditioner, run


@keras.saving.register_keras_serializable("tfflows")
class ConvNet(ConvConditioner):
    """Glow's network: a 3x3, a 1x1 and a zero-initialised 3x3 convolution, each a `ScaledConv2D`.

    `h_1 = activation(conv_3x3(x) + c V)`, `h_2 = activation(conv_1x1(h_1))`, output `conv_3x3(h_2)`, 0 at the start,
    with the context `c`. With `hidden_filters=()` it is the last convolution alone, the prior of Glow's factored-out
    half.

    Args:
      filters: int, output channels.
      hidden_filters: filters of the hidden layers; the first and the output layer have 3x3 kernels, others 1x1.
      **kwargs: of `ConvConditioner` (`activation`, `edge`, `spatial_context`, `seed`) and `Conditioner`.

    Call arguments, what is returned and errors: see `ConvConditioner`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import ConvNet
    >>> ConvNet(12, hidden_filters=(32, 32))(tf.ones([2, 8, 8, 6])).shape.as_list()
    [2, 8, 8, 12]

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039, section 4 and
      the published code.
    """

    def __init__(self, filters, *, hidden_filters=(512, 512), **kwargs):
        super().__init__(filters, **kwargs)
        arguments.check_sizes(hidden_filters=tuple(hidden_filters))
        self.keep(hidden_filters=tuple(hidden_filters))
        self.hidden = [
            self.convolution(f"conv_{i}", each, 1 if i else 3, number=i) for i, each in enumerate(self.hidden_filters)
        ]
        self.last = self.convolution("conv_last", filters, 3)

    def build(self, input_shape):
        self.build_layers(input_shape, [*self.hidden, self.last])
        normal = keras.initializers.RandomNormal(stddev=0.05, seed=self.seed)
        first = (*self.hidden_filters, self.filters)[0]
        self.build_context(first, normal if self.hidden_filters else keras.initializers.Zeros())

    def walk(self, inputs, *, adapt=False):
        h, offset = self.split_context(inputs)
        for layer in self.hidden:
            h = run(layer, h, adapt)
            h = self.activation(h if offset is None else h + offset)
            offset = None
        y = self.last(h)
        return y if offset is None else y + offset
