"""RealNVP with nflows: ``AffineCouplingTransform`` in an inverted ``CompositeTransform``.

Rates below are train steps a second of 1024 examples on one (two) cores of a shared
two-core virtual machine; they say which variant is the faster, no more.

* ``torch.compile`` of the density, compiled in about 14 s: 224 to 236 (224 to 330), against
  142 (222) without it (``compile=False``); density alone 850 to 900 (1280) a second,
  against 580 (800).
* Adam without ``torch.compile``: fused 142 (222), default 130 (187).

Differences from the case: the layer's scale is a sigmoid, so at most 1.001.  Used from
data to noise, as the library's ``SimpleRealNVP`` does (``invert=False``: 152 (221)), the
density can hardly exceed that of the base distribution, and the loss stays above
log(2 pi) = 1.84.  The composite is therefore inverted, which divides by the scale and fits
as well as the other libraries.  The last layer of a conditioner does not start at zero.
35,344 parameters, those of the case.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.nn.nets import MLP
from nflows.transforms import AffineCouplingTransform, CompositeTransform, InverseTransform

# isort: split
from _torch_training import TorchFlow

LAYERS = 8
WIDTH = 64


class Conditioner(MLP):
    """The library's MLP under the call that its coupling layers make."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__([in_features], [out_features], [WIDTH, WIDTH])

    def forward(self, inputs, context=None):
        """Return the parameters of the affine map; there is no context here."""
        return super().forward(inputs)


def build(
    seed: int, train_data: np.ndarray, *, invert: bool = True, adam: str = "fused", compile: bool = True
) -> TorchFlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters.
        train_data: Array of shape ``[N, 2]``.
        invert: Whether the layers map noise to data, not data to noise.
        adam: Adam's implementation: ``"default"``, ``"foreach"`` or ``"fused"``.
        compile: Whether to use ``torch.compile``; needs a C++ compiler.

    Returns:
        The trainer.
    """
    torch.manual_seed(seed)
    dim = train_data.shape[-1]
    layers = []
    for index in range(LAYERS):
        mask = torch.arange(dim) % 2 == index % 2
        layers.append(AffineCouplingTransform(mask.int(), Conditioner))
    transform = CompositeTransform(layers)
    flow = Flow(InverseTransform(transform) if invert else transform, StandardNormal([dim]))
    label = f"nflows {version('nflows')}, torch {torch.__version__}"
    return TorchFlow(flow, flow.log_prob, train_data, label, adam, compile)
