"""Keras callbacks for what Keras's own do not do: runs that continue as if never killed, samples on the way."""

from tfflows.callbacks.epoch_batches import EpochBatches
from tfflows.callbacks.sample_grids import SampleGrids
from tfflows.callbacks.training_state import TrainingState

__all__ = ["EpochBatches", "SampleGrids", "TrainingState"]
