"""The loss of a flow."""

import keras


@keras.saving.register_keras_serializable("tfflows.losses")
class NegativeLogLikelihood(keras.losses.Loss):
    """`-log p(x)` in nats per example, reduced as Keras reduces its own losses (also over replicas).

    Args:
      name: str.
      reduction: as in `keras.losses.Loss`.
    """

    def __init__(self, name="negative_log_likelihood", reduction="sum_over_batch_size", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        """Events (unused) and their log-probabilities `[batch]`; returns `[batch]`."""
        return -y_pred
