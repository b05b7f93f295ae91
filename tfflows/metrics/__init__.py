"""Keras metrics of a flow: they take the events as `y_true` and log-probabilities in nats as `y_pred`."""

from tfflows.metrics.likelihood import BitsPerDimension, NegativeLogLikelihood

__all__ = ["BitsPerDimension", "NegativeLogLikelihood"]
