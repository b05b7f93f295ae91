"""Keras models that are flows, or have flows as their parts."""

from tfflows.models.autoregressive_flow import AutoregressiveFlow
from tfflows.models.flow_model import FlowModel
from tfflows.models.glow import Glow
from tfflows.models.loading import load_model
from tfflows.models.neural_spline_flow import NeuralSplineFlow
from tfflows.models.real_nvp import RealNVP
from tfflows.models.semi_supervised_flow import SemiSupervisedFlow
from tfflows.models.transformer_flow import TransformerFlow
from tfflows.models.variational_autoencoder import VariationalAutoencoder
from tfflows.models.variational_flow import VariationalFlow

__all__ = [
    "AutoregressiveFlow",
    "FlowModel",
    "Glow",
    "NeuralSplineFlow",
    "RealNVP",
    "SemiSupervisedFlow",
    "TransformerFlow",
    "VariationalAutoencoder",
    "VariationalFlow",
    "load_model",
]
