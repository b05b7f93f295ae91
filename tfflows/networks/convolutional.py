"""What convolutional conditioners share: their context, the normalization of their hidden layers."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.conditioner import Conditioner, event_shape_of
from tfflows.networks.scaled_conv import ScaledConv2D
from tfflows.ops import seeds


class ConvConditioner(Conditioner):
    """Base of convolutional conditioners, whose normalization is initialised from data once, by `adapt`.

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

    Raises:
      ValueError: as `Conditioner`.
    """

    event_ndims = 3

    def __init__(self, filters, *, activation="relu", edge=True, spatial_context=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(filters=filters)
        if spatial_context and self.context_size is None:
            raise ValueError("`spatial_context` needs a `context_size`, its channels. Received: context_size=None")
        self.keep(filters=filters, activation=keras.activations.get(activation), edge=edge)
        self.keep(spatial_context=spatial_context, seed=seed)

    @property
    def context_ndims(self):
        return 3 if self.spatial_context else super().context_ndims

    def convolution(self, name, filters, size, number=None):
        """A convolution for the hidden layers, its kernel from the seed of part `number`; `None` starts at 0."""
        seed = None if number is None else seeds.plus(self.seed, number)
        options = {"zero_init": number is None, "edge": self.edge, "seed": seed, "dtype": self.dtype_policy}
        return ScaledConv2D(filters, size, name=name, **options)

    def build_layers(self, input_shape, layers):
        """Builds layers, the first on the events of that shape, each with the channels that the one before gives."""
        shape = list(event_shape_of(input_shape))
        shape[-1] += self.context_size if self.spatial_context else 0
        for layer in layers:
            layer.build(tuple(shape))
            shape[-1] = layer.filters

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


def run(layer, x, adapt):
    """A hidden layer's output, its normalization initialised from `x` first when `adapt`."""
    return layer.adapt(x) if adapt else layer(x)
