"""Likelihood metrics."""

import math

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfflows.metrics")
class NegativeLogLikelihood(keras.metrics.Mean):
    """Mean negative log-likelihood in nats per example: `-mean(log p(x))`.

    Args:
      name: str.
      dtype: of the sums, by default float64.
    """

    def __init__(self, name="negative_log_likelihood", dtype="float64"):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of events (unused) and their log-probabilities in nats."""
        return super().update_state(-tf.convert_to_tensor(y_pred), sample_weight=sample_weight)


@keras.saving.register_keras_serializable("tfflows.metrics")
class BitsPerDimension(keras.metrics.Mean):
    """Mean bits per dimension: `-log p(x) / (D log 2)` for events of `D` entries.

    For discrete data the log-probability must be that of the discrete values (dequantization and preprocessing
    counted once); then this is the code length per entry. Lower is better.

    Args:
      name: str.
      dtype: of the sums, by default float64.
    """

    def __init__(self, name="bits_per_dim", dtype="float64"):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch: events `[batch, ...]` and their log-probabilities `[batch]` in nats."""
        shape = tf.shape(y_true)
        size = tf.cast(tf.reduce_prod(shape[1:]), y_pred.dtype)
        return super().update_state(-y_pred / (size * math.log(2.0)), sample_weight=sample_weight)
