"""Keras callbacks for what Keras's own do not do: runs that continue to the same result after a kill."""

from tfflows.callbacks.epoch_batches import EpochBatches
from tfflows.callbacks.training_state import TrainingState

__all__ = ["EpochBatches", "TrainingState"]
