"""Conditioners: Keras layers that map what a bijector copies to the parameters of what it transforms."""

from tfflows.networks.mlp import MLP

__all__ = ["MLP"]
