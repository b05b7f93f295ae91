"""Conditioners of images: what they share (context, normalization of hidden layers), Glow's and RealNVP's."""

import functools

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.conditioner import Conditioner, event_shape_of
from tfflows.networks.scaled_conv import ScaledConv2D
from tfflows.ops import seeds


class ConvConditioner(Conditioner):
    """Base of convolutional conditioners, whose normalization is initialised from data once, by `adapt`.

    Subclasses write `convolutions()`, all their layers, each of which takes as many channels as the one before gives,
    and `call(inputs, adapt=False)`, which calls the hidden ones through `run(layer, x, adapt)`.

    A vector or a label enters as one learned offset for each filter of the first layer; an image of features
    (`spatial_context`) is concatenated to the event's channels.

    Args:
      filters: int, output channels.
      activation: hidden activation.
      edge: bool, whether 3x3 convolutions see where the image ends.
      spatial_context: bool, the context is an image `[..., H, W, context_size]`.
      seed: int or `None`, of the initial weights.
      **kwargs: of `Conditioner` (`context_size`, `num_classes`).

    Call arguments:
      inputs: `Tensor` `[batch, H, W, C]` with `H`, `W`, `C` known, or the pair `(x, context)`.

    Returns:
      `Tensor` `[batch, H, W, filters]` in the compute dtype.
    """

    event_ndims = 3

    def __init__(self, filters, *, activation="relu", edge=True, spatial_context=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(filters=filters)
        if spatial_context and self.context_size is None:
            raise ValueError("`spatial_context` needs a `context_size`, its channels. Received: context_size=None")
        self.filters, self.activation = filters, keras.activations.get(activation)
        self.edge, self.spatial_context, self.seed = edge, spatial_context, seed

    @property
    def context_ndims(self):
        return 3 if self.spatial_context else super().context_ndims

    def convolution(self, name, filters, size, number=None):
        """A convolution for the hidden layers, its kernel from the seed of part `number`; `None` starts at 0."""
        seed = None if number is None else seeds.plus(self.seed, number)
        options = {"zero_init": number is None, "edge": self.edge, "seed": seed, "dtype": self.dtype_policy}
        return ScaledConv2D(filters, size, name=name, **options)

    def build(self, input_shape):
        *sizes, channels = event_shape_of(input_shape)
        channels += self.context_size if self.spatial_context else 0
        for layer in self.convolutions():
            layer.build((*sizes, channels))
            channels = layer.filters
        first = self.convolutions()[0]
        initializer = keras.initializers.RandomNormal(stddev=0.05, seed=self.seed)
        if self.conditional and not self.spatial_context:
            self.context_kernel_initializer = keras.initializers.Zeros() if first.zero_init else initializer
            shape = (self.encoded_size, first.filters)
            self.context_kernel = self.add_weight(shape, self.context_kernel_initializer, name="context_kernel")
        self._adapted = self.add_weight(name="adapted", shape=(), dtype="int64", initializer="zeros", trainable=False)

    def split_context(self, inputs):
        """The image to convolve and the offset `[batch, 1, 1, filters]` of the first layer, `None` for none."""
        x, context = self.split_inputs(inputs)
        x = tf.cast(x, self.compute_dtype)
        if context is None:
            return x, None
        if self.spatial_context:
            return tf.concat([x, tf.cast(context, x.dtype)], axis=-1), None
        kernel = tf.cast(tf.convert_to_tensor(self.context_kernel), x.dtype)
        return x, tf.matmul(tf.cast(context, x.dtype), kernel)[:, None, None, :]

    @property
    def adapted(self):
        """Whether `adapt` has run."""
        return bool(self._adapted.numpy())

    def adapt(self, inputs):
        """Initialises the normalization of every hidden layer from a batch, once; returns the outputs."""
        if self.adapted:
            return self(inputs)
        outputs = self.call(inputs, adapt=True)
        self._adapted.assign(1)
        return outputs

    def compute_output_shape(self, input_shape):
        return (*event_shape_of(input_shape)[:-1], self.filters)


@keras.saving.register_keras_serializable("tfflows")
class ConvNet(ConvConditioner):
    """Glow's network: a 3x3, a 1x1 and a zero-initialised 3x3 convolution, each a `ScaledConv2D`.

    `h_1 = activation(conv_3x3(x) + c V)`, `h_2 = activation(conv_1x1(h_1))`, output `conv_3x3(h_2)`, 0 at the start,
    with the context `c`. With `hidden_filters=()` it is the last convolution alone, the prior of Glow's factored-out
    half.

    Args:
      hidden_filters: filters of the hidden layers; the first and the output layer have 3x3 kernels, others 1x1.
      filters, **kwargs: see `ConvConditioner`.

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
        self.hidden_filters = tuple(hidden_filters)
        self.hidden = [
            self.convolution(f"conv_{i}", each, 1 if i else 3, number=i) for i, each in enumerate(self.hidden_filters)
        ]
        self.last = self.convolution("conv_last", filters, 3)

    def convolutions(self):
        return [*self.hidden, self.last]

    def call(self, inputs, adapt=False):
        h, offset = self.split_context(inputs)
        for layer in self.hidden:
            h = run(layer, h, adapt)
            h = self.activation(h if offset is None else h + offset)
            offset = None
        y = self.last(h)
        return y if offset is None else y + offset


@keras.saving.register_keras_serializable("tfflows")
class ConvResNet(ConvConditioner):
    """RealNVP's residual network: 3x3 convolutions in blocks with skip connections, all `ScaledConv2D`.

    `h_0 = conv(x) + c V`, `h_{i+1} = h_i + conv(activation(conv(activation(h_i))))`, and the output is a
    zero-initialised 1x1 convolution of `activation(s)`, `s` the sum of 1x1 convolutions of every `h_i`, with the
    context `c`.

    The paper normalizes by batch and by weight. Here every hidden convolution has a learned scale initialised from
    data (`adapt`), so that the likelihood of an image does not depend on the others in its batch.

    Args:
      hidden_filters: int, filters of every hidden layer.
      num_blocks: int, residual blocks.
      filters, **kwargs: see `ConvConditioner`.

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
        self.hidden_filters, self.num_blocks = hidden_filters, num_blocks
        hidden = functools.partial(self.convolution, filters=hidden_filters)
        self.first = hidden("conv_first", size=3, number=0)
        self.blocks = [
            hidden(f"block_{i}_{j}", size=3, number=1 + 2 * i + j) for i in range(num_blocks) for j in range(2)
        ]
        self.skips = [hidden(f"skip_{i}", size=1, number=1 + 2 * num_blocks + i) for i in range(num_blocks + 1)]
        self.last = self.convolution("conv_last", filters, 1)

    def convolutions(self):
        return [self.first, *self.blocks, *self.skips, self.last]

    def call(self, inputs, adapt=False):
        x, offset = self.split_context(inputs)
        h = run(self.first, x, adapt)
        h = h if offset is None else h + offset
        total = run(self.skips[0], h, adapt)
        for i in range(self.num_blocks):
            inner = run(self.blocks[2 * i], self.activation(h), adapt)
            h += run(self.blocks[2 * i + 1], self.activation(inner), adapt)
            total += run(self.skips[i + 1], h, adapt)
        return self.last(self.activation(total))


def run(layer, x, adapt):
    """A hidden layer's output, its normalization initialised from `x` first when `adapt`."""
    return layer.adapt(x) if adapt else layer(x)
