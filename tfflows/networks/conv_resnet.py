"""RealNVP's conditioner for images."""

import functools

import keras

from tfflows import arguments
from tfflows.networks.convolutional import ConvConditioner, run


@keras.saving.register_keras_serializable("tfflows")
class ConvResNet(ConvConditioner):
    """RealNVP's residual network: 3x3 convolutions in blocks with skip connections, all `ScaledConv2D`.

    `h_0 = conv(x) + c V`, `h_{i+1} = h_i + conv(activation(conv(activation(h_i))))`, and the output is a
    zero-initialised 1x1 convolution of `activation(s)`, `s` the sum of 1x1 convolutions of every `h_i`, with the
    context `c`.

    The paper normalizes by batch and by weight. Here every hidden convolution has a learned scale initialised from
    data (`adapt`), so that the likelihood of an image does not depend on the others in its batch.

    Args:
      filters: int, output channels.
      hidden_filters: int, filters of every hidden layer.
      num_blocks: int, residual blocks.
      **kwargs: of `ConvConditioner` (`activation`, `edge`, `spatial_context`, `seed`) and `Conditioner`.

    Call arguments, what is returned and errors: see `ConvConditioner`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import ConvResNet
    >>> ConvResNet(6, hidden_filters=16, num_blocks=2)(tf.ones([2, 8, 8, 3])).shape.as_list()
    [2, 8, 8, 6]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803, sections 3.4, 3.7,
      4.1.
    """

    def __init__(self, filters, *, hidden_filters=64, num_blocks=8, **kwargs):
        super().__init__(filters, **kwargs)
        arguments.check_integer(hidden_filters=hidden_filters, num_blocks=num_blocks)
        self.keep(hidden_filters=hidden_filters, num_blocks=num_blocks)
        hidden = functools.partial(self.convolution, filters=hidden_filters)
        self.first = hidden("conv_first", size=3, number=0)
        self.blocks = [
            hidden(f"block_{i}_{j}", size=3, number=1 + 2 * i + j) for i in range(num_blocks) for j in range(2)
        ]
        self.skips = [hidden(f"skip_{i}", size=1, number=1 + 2 * num_blocks + i) for i in range(num_blocks + 1)]
        self.last = self.convolution("conv_last", filters, 1)

    def build(self, input_shape):
        self.build_layers(input_shape, [self.first, *self.blocks, *self.skips, self.last])
        self.build_context(self.hidden_filters, keras.initializers.RandomNormal(stddev=0.05, seed=self.seed))

    def walk(self, inputs, *, adapt=False):
        x, offset = self.split_context(inputs)
        h = run(self.first, x, adapt)
        h = h if offset is None else h + offset
        total = run(self.skips[0], h, adapt)
        for i in range(self.num_blocks):
            inner = run(self.blocks[2 * i], self.activation(h), adapt)
            h += run(self.blocks[2 * i + 1], self.activation(inner), adapt)
            total += run(self.skips[i + 1], h, adapt)
        return self.last(self.activation(total))
