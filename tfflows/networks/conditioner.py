"""What every conditioner shares, the context, and the one that sees nothing else."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.joint.configs import ConfiguredLayer
from tfflows.ops import shapes


class Conditioner(ConfiguredLayer):
    """Base of networks that a bijector calls as `net(x)`, or as `net([x, context])` when there is a context.

    Args:
      context_size: int, size of a float context vector; `None` for none.
      num_classes: int, number of classes of an integer context; `None` for none.
      **kwargs: of `keras.layers.Layer`.

    Call arguments:
      inputs: events `[..., *event]`, or the pair `(x, context)` where context is `[..., context_size]` or integer
        labels `[...]`; batch axes broadcast.

    Raises:
      ValueError: sizes below 1, or both `context_size` and `num_classes`; from a call, a context missing, unexpected
        or of the wrong size.
    """

    event_ndims = 1
    """Axes of one event: 1 for vectors, 2 for sequences of tokens, 3 for images."""

    def __init__(self, *, context_size=None, num_classes=None, **kwargs):
        super().__init__(**kwargs)
        check_context(context_size=context_size, num_classes=num_classes)
        self.context_size, self.num_classes = context_size, num_classes

    @property
    def conditional(self):
        """Whether the network takes a context."""
        return self.context_size is not None or self.num_classes is not None

    @property
    def context_ndims(self):
        """Axes of one context: 0 for a label, 1 for a vector."""
        return 1 if self.num_classes is None else 0

    @property
    def encoded_size(self):
        """Size of the context as `split_inputs` gives it: one-hot for labels; 0 without."""
        return self.context_size or self.num_classes or 0

    def split_inputs(self, inputs):
        """The event and the context, labels one-hot, broadcast to the event's batch axes; `None` for no context."""
        if self.conditional != isinstance(inputs, (tuple, list)):
            expected = "the pair (x, context)" if self.conditional else "one tensor x, it has no context"
            raise ValueError(f"{self.name} expects {expected}. Received: {inputs}")
        if not self.conditional:
            return inputs, None
        x, context = inputs
        ndims = max(1, self.context_ndims)
        if self.num_classes is not None:
            context = tf.one_hot(tf.cast(context, tf.int32), self.num_classes, dtype=x.dtype)
        elif context.shape[-1] != self.context_size:
            raise ValueError(f"`context` must have last axis {self.context_size}. Received: shape {context.shape}")
        axes = x.shape.rank - self.event_ndims
        context = tf.cast(context, x.dtype)
        return x, shapes.broadcast_batch(context, tf.shape(x)[:axes], ndims, static=x.shape[:axes])


@keras.saving.register_keras_serializable("tfflows")
class ContextLinear(Conditioner):
    """`c W`, for a context vector `c` or the one-hot vector of a label; 0 at the start.

    Args:
      units: int, size of the output.
      **kwargs: `context_size` or `num_classes`, and the others of `Conditioner`.

    Call arguments:
      context: `Tensor` `[..., context_size]`, or integer labels `[...]`.

    Returns:
      `Tensor` `[..., units]` in the compute dtype.

    Raises:
      ValueError: sizes below 1, or neither or both kinds of context.

    Example:

    >>> import keras
    >>> import tensorflow as tf
    >>> from tfflows.networks import ContextLinear
    >>> ContextLinear(2, num_classes=10)(tf.constant([3, 7])).numpy().tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        arguments.check_integer(units=units)
        if not self.conditional:
            raise ValueError("`context_size` or `num_classes` is needed. Received: neither")
        self.units = units
        self.kernel = self.add_weight(name="kernel", shape=(self.encoded_size, units), initializer="zeros")
        self.built = True

    def call(self, context):
        kernel = tf.convert_to_tensor(self.kernel)
        if self.num_classes is not None:
            context = tf.one_hot(tf.cast(context, tf.int32), self.num_classes, dtype=kernel.dtype)
        return tf.tensordot(tf.cast(context, kernel.dtype), kernel, axes=1)

    def compute_output_shape(self, input_shape):
        return (*(input_shape if self.num_classes is not None else input_shape[:-1]), self.units)


def check_context(*, context_size, num_classes):
    """Refuses sizes of a context below 1, and two kinds of context."""
    arguments.check_sizes(context_size=context_size, num_classes=num_classes)
    if context_size is not None and num_classes is not None:
        raise ValueError(
            "A context is either a vector (`context_size`) or a class label (`num_classes`). "
            f"Received: context_size={context_size}, num_classes={num_classes}"
        )


def event_shape_of(input_shape):
    """The event's part of the `input_shape` that Keras gives to `build`: of `x`, or of the pair `(x, context)`."""
    return input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
