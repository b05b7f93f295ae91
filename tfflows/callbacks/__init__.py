"""Keras callbacks: runs that continue as if never killed, or stop at NaN, samples on the way, fading divergences."""

from tfflows.callbacks.epoch_batches import EpochBatches
from tfflows.callbacks.kl_warm_up import KLWarmUp
from tfflows.callbacks.nan_guard import NanGuard
from tfflows.callbacks.sample_grids import SampleGrids
from tfflows.callbacks.training_state import TrainingState

__all__ = ["EpochBatches", "KLWarmUp", "NanGuard", "SampleGrids", "TrainingState"]
