"""RealNVP's conditioner for images."""

import keras

from tfflows.networks.conditioner import at_least_one, event_shape_of
from tfflows.networks.conv_net import ConvConditioner, run
from tfflows.networks.scaled_conv import ScaledConv2D


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
      activation: hidden activation.
      edge: bool, whether 3x3 convolutions see where the image ends.
      context_size, num_classes, spatial_context: see `ConvConditioner`.
      seed: int or `None`, of the initial weights.

    Call arguments:
      inputs: `Tensor` `[batch, H, W, C]` with `H`, `W`, `C` known, or the pair `(x, context)`.

    Returns:
      `Tensor` `[batch, H, W, filters]` in the compute dtype.

    Raises:
      ValueError: sizes below 1, or a context missing, unexpected or of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import ConvResNet
    >>> ConvResNet(6, hidden_filters=16, num_blocks=2)(tf.ones([2, 8, 8, 3])).shape.as_list()
    [2, 8, 8, 6]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803, sections 3.4, 3.7,
      4.1.
    """

    def __init__(self, filters, *, hidden_filters=64, num_blocks=8, activation="relu", edge=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        at_least_one(filters=filters, hidden_filters=hidden_filters, num_blocks=num_blocks)
        self.filters, self.hidden_filters, self.num_blocks = filters, hidden_filters, num_blocks
        self.activation = keras.activations.get(activation)
        self.edge, self.seed = edge, seed
        self.first = self._conv("conv_first", 3, 0)
        self.blocks = [self._conv(f"block_{i}_{j}", 3, 1 + 2 * i + j) for i in range(num_blocks) for j in range(2)]
        self.skips = [self._conv(f"skip_{i}", 1, 1 + 2 * num_blocks + i) for i in range(num_blocks + 1)]
        self.last = ScaledConv2D(filters, 1, zero_init=True, dtype=self.dtype_policy, name="conv_last")

    def _conv(self, name, size, number):
        seed = None if self.seed is None else self.seed + number
        return ScaledConv2D(self.hidden_filters, size, edge=self.edge, seed=seed, dtype=self.dtype_policy, name=name)

    def build(self, input_shape):
        shape = list(event_shape_of(input_shape))
        shape[-1] += self.context_size if self.spatial_context else 0
        self.first.build(tuple(shape))
        shape[-1] = self.hidden_filters
        for layer in (*self.blocks, *self.skips, self.last):
            layer.build(tuple(shape))
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

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "hidden_filters": self.hidden_filters,
            "num_blocks": self.num_blocks,
            "activation": keras.activations.serialize(self.activation),
            "edge": self.edge,
            "seed": self.seed,
        }
