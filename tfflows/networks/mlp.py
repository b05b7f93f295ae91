"""Multilayer perceptron conditioner."""

import keras
import tensorflow as tf

from tfflows.ops import shapes


@keras.saving.register_keras_serializable("tfflows")
class MLP(keras.layers.Layer):
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
        zero_init=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, size in (("units", units), ("context_size", context_size), ("num_classes", num_classes)):
            if size is not None and (not isinstance(size, int) or size < 1):
                raise ValueError(f"`{name}` must be an integer of at least 1. Received: {size!r}")
        if any(not isinstance(width, int) or width < 1 for width in hidden_units):
            raise ValueError(f"`hidden_units` must be integers of at least 1. Received: {hidden_units!r}")
        if context_size is not None and num_classes is not None:
            raise ValueError(
                "A context is either a vector (`context_size`) or a class label (`num_classes`). "
                f"Received: context_size={context_size}, num_classes={num_classes}"
            )
        self.units = units
        self.hidden_units = tuple(hidden_units)
        self.context_size = context_size
        self.num_classes = num_classes
        self.activation = keras.activations.get(activation)
        self.residual = residual
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
        x_shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        size = x_shape[-1] + (self.context_size or self.num_classes or 0)
        for layer in self.dense:
            layer.build((None, size))
            size = layer.units

    def call(self, inputs):
        h = self._with_context(inputs)
        width = h.shape[-1]
        for layer in self.dense[:-1]:
            y = layer(h)
            h = h + y if self.residual and layer.units == width else y
            width = layer.units
        return self.dense[-1](h)

    def _with_context(self, inputs):
        conditional = self.context_size is not None or self.num_classes is not None
        given = isinstance(inputs, (tuple, list))
        if conditional != given:
            expected = "the pair (x, context)" if conditional else "one tensor x (no `context_size` or `num_classes`)"
            raise ValueError(f"{self.name} expects {expected}. Received: {inputs}")
        if not conditional:
            return inputs
        x, context = inputs
        if self.num_classes is not None:
            context = tf.one_hot(tf.cast(context, tf.int32), self.num_classes, dtype=x.dtype)
        elif context.shape[-1] != self.context_size:
            raise ValueError(f"`context` must have last axis {self.context_size}. Received: shape {context.shape}")
        context = shapes.broadcast_batch(tf.cast(context, x.dtype), tf.shape(x)[:-1], 1, static=x.shape[:-1])
        return tf.concat([x, context], axis=-1)

    def compute_output_shape(self, input_shape):
        x_shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        return (*x_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": list(self.hidden_units),
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "zero_init": self.zero_init,
            "seed": self.seed,
        }
