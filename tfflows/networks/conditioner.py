"""What every conditioner shares: the context."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.joint.configs import ConfiguredLayer
from tfflows.ops import shapes


class Conditioner(ConfiguredLayer):
    """Base of networks that a bijector calls as `net(x)`, or as `net([x, context])` when there is a context.

    Arguments of constructors are attributes of the same name, and the config.

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
        self.keep(context_size=context_size, num_classes=num_classes)

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
        event = self.event_ndims
        batch, static = tf.shape(x)[: x.shape.rank - event], x.shape[: x.shape.rank - event]
        return x, shapes.broadcast_batch(tf.cast(context, x.dtype), batch, ndims, static=static)


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


def spread_over(fan_in, seed):
    """Keras initializer of the biases of a layer of `fan_in` inputs: uniform on `[-1/2, 1/2] / sqrt(fan_in)`.

    Biases of 0 put the kinks of all rectified units at 0, and a network that sees one or two numbers needs them spread.
    """
    most = 0.5 * fan_in**-0.5
    return keras.initializers.RandomUniform(-most, most, seed=seed)
