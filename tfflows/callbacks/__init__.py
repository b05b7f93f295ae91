"""Keras callbacks: runs that continue as if never killed, samples on the way, divergences that fade in."""

from tfflows.callbacks.epoch_batches import EpochBatches
from tfflows.callbacks.kl_warm_up import KLWarmUp
from tfflows.callbacks.sample_grids import SampleGrids
from tfflows.callbacks.training_state import TrainingState

__all__ = ["EpochBatches", "KLWarmUp", "SampleGrids", "TrainingState"]
