"""Multilayer perceptron on every token of a sequence."""

import keras
import tensorflow as tf

from tfflows.networks.mlp import MLP


@keras.saving.register_keras_serializable("tfflows")
class TokenMLP(MLP):
    """`MLP` on each token of sequences `[batch, T, n]`, which share one context: `[batch, context_size]` or `[batch]`.

    A label of -1 stands for no label.

    Args:
      units, and the others: see `MLP`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import TokenMLP
    >>> TokenMLP(4, num_classes=10)([tf.ones([8, 16, 3]), tf.zeros([8], tf.int32)]).shape.as_list()
    [8, 16, 4]
    """

    event_ndims = 2

    def split_inputs(self, inputs):
        """As `Conditioner.split_inputs`, the context repeated for each token."""
        x, context = super().split_inputs(inputs)
        if context is None:
            return x, None
        shape = tf.concat([tf.shape(x)[:-1], [self.encoded_size]], axis=0)
        return x, tf.ensure_shape(tf.broadcast_to(context[..., None, :], shape), [*x.shape[:-1], self.encoded_size])
