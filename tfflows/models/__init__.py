"""Keras models that are flows."""

from tfflows.models.flow_model import FlowModel, NegativeLogLikelihoodLoss
from tfflows.models.loading import load_model
from tfflows.models.real_nvp import RealNVP

__all__ = ["FlowModel", "NegativeLogLikelihoodLoss", "RealNVP", "load_model"]
