"""Keras layers: from integers to the reals that a density is over, and from features to a latent of a posterior."""

from tfflows.layers.dequantization import Dequantization, UniformDequantization
from tfflows.layers.flow_posteriors import (
    CouplingPosterior,
    IAFPosterior,
    PlanarPosterior,
    RadialPosterior,
    SylvesterPosterior,
)
from tfflows.layers.gaussian_augmentation import GaussianAugmentation
from tfflows.layers.posterior import GaussianPosterior, Posterior
from tfflows.layers.variational_dequantization import VariationalDequantization

__all__ = [
    "CouplingPosterior",
    "Dequantization",
    "GaussianAugmentation",
    "GaussianPosterior",
    "IAFPosterior",
    "PlanarPosterior",
    "Posterior",
    "RadialPosterior",
    "SylvesterPosterior",
    "UniformDequantization",
    "VariationalDequantization",
]
