"""Keras layers: from integers to the reals that a density is over, and from features to a latent of a posterior."""

from tfflows.layers.dequantization import Dequantization, UniformDequantization
from tfflows.layers.gaussian_posterior import GaussianPosterior
from tfflows.layers.posterior import Posterior
from tfflows.layers.variational_dequantization import VariationalDequantization

__all__ = [
    "Dequantization",
    "GaussianPosterior",
    "Posterior",
    "UniformDequantization",
    "VariationalDequantization",
]
