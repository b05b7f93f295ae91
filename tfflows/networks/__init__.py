"""Conditioners: Keras layers that map what a bijector copies to the parameters of what it transforms."""

from tfflows.networks.conditioner import Conditioner, ContextLinear
from tfflows.networks.convolutional import ConvNet, ConvResNet
from tfflows.networks.made import MADE
from tfflows.networks.mlp import MLP, TokenMLP
from tfflows.networks.scaled_conv import ScaledConv2D
from tfflows.networks.transformer import Transformer

__all__ = [
    "Conditioner",
    "ContextLinear",
    "ConvNet",
    "ConvResNet",
    "MADE",
    "MLP",
    "ScaledConv2D",
    "TokenMLP",
    "Transformer",
]
