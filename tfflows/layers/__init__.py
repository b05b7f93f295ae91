"""Keras layers: from integers to the reals that a density is over, and from features to a latent of a posterior."""

from tfflows.layers.coupling_posterior import CouplingPosterior
from tfflows.layers.dequantization import Dequantization, UniformDequantization
from tfflows.layers.gaussian_augmentation import GaussianAugmentation
from tfflows.layers.gaussian_posterior import GaussianPosterior
from tfflows.layers.iaf_posterior import IAFPosterior
from tfflows.layers.planar_posterior import PlanarPosterior
from tfflows.layers.posterior import Posterior
from tfflows.layers.radial_posterior import RadialPosterior
from tfflows.layers.sylvester_posterior import SylvesterPosterior
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
