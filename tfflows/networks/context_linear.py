"""Parameters that depend on the context alone."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.conditioner import Conditioner


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
        self.keep(units=units)
        self.kernel = self.add_weight(name="kernel", shape=(self.encoded_size, units), initializer="zeros")
        self.built = True

    def call(self, context):
        kernel = tf.convert_to_tensor(self.kernel)
        if self.num_classes is not None:
            context = tf.one_hot(tf.cast(context, tf.int32), self.num_classes, dtype=kernel.dtype)
        return tf.tensordot(tf.cast(context, kernel.dtype), kernel, axes=1)

    def compute_output_shape(self, input_shape):
        return (*(input_shape if self.num_classes is not None else input_shape[:-1]), self.units)
