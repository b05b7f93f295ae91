"""Contexts in units of their own spread, before any network sees them."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.ops import shapes, standardization


@keras.saving.register_keras_serializable("tfflows")
class ContextStandardization(keras.layers.Layer):
    """`(context - location) / scale`, set from data once by `adapt` and never trained; the identity before.

    It keeps float64, so that a context such as Unix seconds keeps its digits. Files written before there were
    standardised contexts have no such weights: what they hold was trained on contexts as they came, and stays so.

    Args:
      size: int, of the context.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**{"dtype": "float64", "autocast": False, **kwargs})
        self.size = size
        options = {"trainable": False, "autocast": False}
        self.location = self.add_weight((size,), "zeros", "float64", name="location", **options)
        self.scale = self.add_weight((size,), "ones", "float64", name="scale", **options)
        self._adapted = self.add_weight((), "zeros", "int64", name="adapted", **options)
        self.built = True

    @property
    def adapted(self):
        """Whether `adapt` has run."""
        return bool(self._adapted.numpy())

    @property
    def needs_float64(self):
        """Whether float32 would lose the spread of a context."""
        return bool(standardization.lost(self.location.numpy(), self.scale.numpy(), np.float32).any())

    def adapt(self, context):
        """Sets location and scale from contexts `[n, size]`, unless that was done before."""
        if not self.adapted:
            location, scale, _ = standardization.location_and_scale(shapes.finite_rows(context, self.name))
            self.location.assign(location)
            self.scale.assign(scale)
            self._adapted.assign(1)

    def standardised(self, context, dtype):
        """The context `[..., size]`, standardised, in a dtype; refuses one of another size, which would broadcast."""
        if len(context.shape) == 0 or context.shape[-1] != self.size:
            raise ValueError(f"`context` must have last axis {self.size}. Received: shape {context.shape}")
        location, scale = self.location.value, self.scale.value
        if context.dtype == dtype == tf.float32:  # the same digits by two subtractions, which every runtime has
            high = tf.cast(location, dtype)
            low = tf.cast(location - tf.cast(high, tf.float64), dtype)
            return ((context - high) - low) / tf.cast(scale, dtype)
        return tf.cast((tf.cast(context, tf.float64) - location) / scale, dtype)

    def load_own_variables(self, store):
        if store.keys():
            super().load_own_variables(store)
        else:
            self._adapted.assign(1)
