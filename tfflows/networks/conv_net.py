"""Glow's conditioner."""

import keras
import tensorflow as tf

from tfflows.networks.conditioner import Conditioner, at_least_one, event_shape_of
from tfflows.networks.scaled_conv import ScaledConv2D


class ConvConditioner(Conditioner):
    """Base of convolutional conditioners, whose normalization is initialised from data once, by `adapt`.

    A vector or a label enters as one learned offset for each filter of the first layer; an image of features
    (`spatial_context`) is concatenated to the event's channels.

    Args:
      spatial_context: bool, the context is an image `[..., H, W, context_size]`.
      **kwargs: of `Conditioner`.
    """

    event_ndims = 3

    def __init__(self, *, spatial_context=False, **kwargs):
        super().__init__(**kwargs)
        if spatial_context and self.context_size is None:
            raise ValueError("`spatial_context` needs a `context_size`, its channels. Received: context_size=None")
        self.spatial_context = spatial_context

    @property
    def context_ndims(self):
        return 3 if self.spatial_context else super().context_ndims

    def build_context(self, filters, initializer):
        """Makes the weights by which a context that is no image moves `filters` filters, and the flag of `adapt`."""
        if self.conditional and not self.spatial_context:
            self.context_kernel_initializer = initializer
            self.context_kernel = self.add_weight(
                name="context_kernel", shape=(self.encoded_size, filters), initializer=initializer
            )
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
        outputs = self.walk(inputs, adapt=True)
        self._adapted.assign(1)
        return outputs

    def call(self, inputs):
        return self.walk(inputs)

    def walk(self, inputs, *, adapt=False):
        """Subclasses: the network, its hidden layers called through `run(layer, x, adapt)`."""
        raise NotImplementedError(f"{type(self).__name__} must define walk")

    def compute_output_shape(self, input_shape):
        return (*event_shape_of(input_shape)[:-1], self.filters)

    def get_config(self):
        return {**super().get_config(), "spatial_context": self.spatial_context}


def run(layer, x, adapt):
    """A hidden layer's output, its normalization initialised from `x` first when `adapt`."""
    return layer.adapt(x) if adapt else layer(x)


@keras.saving.register_keras_serializable("tfflows")
class ConvNet(ConvConditioner):
    """Glow's network: a 3x3, a 1x1 and a zero-initialised 3x3 convolution, each a `ScaledConv2D`.

    `h_1 = activation(conv_3x3(x) + c V)`, `h_2 = activation(conv_1x1(h_1))`, output `conv_3x3(h_2)`, 0 at the start,
    with the context `c`. With `hidden_filters=()` it is the last convolution alone, the prior of Glow's factored-out
    half.

    Args:
      filters: int, output channels.
      hidden_filters: filters of the hidden layers; the first and the output layer have 3x3 kernels, others 1x1.
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
    >>> from tfflows.networks import ConvNet
    >>> ConvNet(12, hidden_filters=(32, 32))(tf.ones([2, 8, 8, 6])).shape.as_list()
    [2, 8, 8, 12]

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039, section 4 and
      the published code.
    """

    def __init__(self, filters, *, hidden_filters=(512, 512), activation="relu", edge=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        at_least_one(filters=filters, hidden_filters=tuple(hidden_filters))
        self.filters, self.hidden_filters = filters, tuple(hidden_filters)
        self.activation = keras.activations.get(activation)
        self.edge, self.seed = edge, seed
        sizes = [3, *[1] * (len(self.hidden_filters) - 1)] if self.hidden_filters else []
        self.hidden = [
            ScaledConv2D(
                each,
                size,
                edge=edge,
                seed=None if seed is None else seed + i,
                dtype=self.dtype_policy,
                name=f"conv_{i}",
            )
            for i, (each, size) in enumerate(zip(self.hidden_filters, sizes))
        ]
        self.last = ScaledConv2D(filters, 3, zero_init=True, edge=edge, dtype=self.dtype_policy, name="conv_last")

    def build(self, input_shape):
        shape = list(event_shape_of(input_shape))
        shape[-1] += self.context_size if self.spatial_context else 0
        for layer in (*self.hidden, self.last):
            layer.build(tuple(shape))
            shape[-1] = layer.filters
        normal = keras.initializers.RandomNormal(stddev=0.05, seed=self.seed)
        self.build_context(
            (*self.hidden_filters, self.filters)[0], normal if self.hidden_filters else keras.initializers.Zeros()
        )

    def walk(self, inputs, *, adapt=False):
        h, offset = self.split_context(inputs)
        for layer in self.hidden:
            h = run(layer, h, adapt)
            h = self.activation(h if offset is None else h + offset)
            offset = None
        y = self.last(h)
        return y if offset is None else y + offset

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "hidden_filters": list(self.hidden_filters),
            "activation": keras.activations.serialize(self.activation),
            "edge": self.edge,
            "seed": self.seed,
        }
