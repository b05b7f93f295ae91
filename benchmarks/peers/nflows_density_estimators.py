"""Spline couplings and MAF with nflows: ``PiecewiseRationalQuadraticCouplingTransform`` with linear tails at 5,
``MaskedAffineAutoregressiveTransform`` and ``ReversePermutation``."""

from __future__ import annotations

import functools
from importlib.metadata import version

import torch
from nflows import transforms
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.nn.nets import MLP

# isort: split
from _torch_density import TorchDensity

LAYERS = 5


class Conditioner(MLP):
    """The library's MLP under the call that its coupling layers make."""

    def __init__(self, width: int, in_features: int, out_features: int) -> None:
        super().__init__([in_features], [out_features], [width, width])

    def forward(self, inputs, context=None):
        """Return the parameters of the splines; there is no context here."""
        return super().forward(inputs)


def build(seed: int, arrays: dict, *, model: str, compile: bool = True, width: int = 128) -> TorchDensity:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``."""
    torch.manual_seed(seed)
    size, layers, network = arrays["train"].shape[1], [], functools.partial(Conditioner, width)
    for index in range(LAYERS):
        if model == "spline":
            mask = (torch.arange(size) % 2 == index % 2).int()
            options = {"num_bins": 8, "tails": "linear", "tail_bound": 5.0}
            layers.append(transforms.PiecewiseRationalQuadraticCouplingTransform(mask, network, **options))
        else:
            options = {"hidden_features": width, "num_blocks": 1, "use_residual_blocks": False}
            layers.append(transforms.MaskedAffineAutoregressiveTransform(size, **options))
            layers.append(transforms.ReversePermutation(size))
    flow = Flow(transforms.CompositeTransform(layers), StandardNormal([size]))
    label = f"nflows {version('nflows')}, torch {torch.__version__}"
    return TorchDensity(flow, flow.log_prob, flow.sample, arrays, label, compile)
