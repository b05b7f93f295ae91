"""The loss of a flow."""

import keras


@keras.saving.register_keras_serializable("tfflows.losses")
class NegativeLogLikelihood(keras.losses.Loss):
    """`-log p(x)` in nats per example, reduced as Keras reduces its own losses (also over replicas), in their dtype.

    Args:
      name: str.
      reduction: as in `keras.losses.Loss`.
    """

    def __init__(self, name="negative_log_likelihood", reduction="sum_over_batch_size", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Keras would cast to its `floatx`
        same = type(self)(self.name, self.reduction, dtype=keras.ops.convert_to_tensor(y_pred).dtype.name)
        return super(NegativeLogLikelihood, same).__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """Events (unused) and their log-probabilities `[batch]`; returns `[batch]`."""
        return -y_pred
