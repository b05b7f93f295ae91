"""Conditioners: Keras layers that map what a bijector copies to the parameters of what it transforms."""

from tfflows.networks.conditioner import Conditioner
from tfflows.networks.context_linear import ContextLinear
from tfflows.networks.conv_net import ConvNet
from tfflows.networks.conv_resnet import ConvResNet
from tfflows.networks.made import MADE
from tfflows.networks.mlp import MLP
from tfflows.networks.scaled_conv import ScaledConv2D
from tfflows.networks.token_mlp import TokenMLP
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
