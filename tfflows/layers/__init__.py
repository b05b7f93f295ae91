"""Keras layers: from integers to the reals that a density is over."""

from tfflows.layers.dequantization import Dequantization, UniformDequantization
from tfflows.layers.variational_dequantization import VariationalDequantization

__all__ = ["Dequantization", "UniformDequantization", "VariationalDequantization"]
