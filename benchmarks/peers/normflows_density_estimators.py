"""Spline couplings and MAF with normflows: ``CoupledRationalQuadraticSpline`` with one residual block (two hidden
layers) and linear tails at 5, ``MaskedAffineAutoregressive`` with ``Permute``, turned round by ``Reverse`` so that
densities are its fast direction.  An initial layer comes before the blocks of its networks."""

from __future__ import annotations

from importlib.metadata import version

import normflows as nf
import torch

# isort: split
from _torch_density import TorchDensity

LAYERS = 5


def build(seed: int, arrays: dict, *, model: str, compile: bool = True, width: int = 128) -> TorchDensity:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``."""
    torch.manual_seed(seed)
    size, layers = arrays["train"].shape[1], []
    for index in range(LAYERS):
        if model == "spline":
            options = {"num_bins": 8, "tail_bound": 5, "reverse_mask": index % 2 == 1}
            layers.append(nf.flows.CoupledRationalQuadraticSpline(size, 1, width, **options))
        else:
            options = {"num_blocks": 1, "use_residual_blocks": False}
            layers.append(nf.flows.Reverse(nf.flows.MaskedAffineAutoregressive(size, width, **options)))
            layers.append(nf.flows.Permute(size, mode="swap" if size > 1 else "shuffle"))
    flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(size, trainable=False), layers)
    label = f"normflows {version('normflows')}, torch {torch.__version__}"
    return TorchDensity(flow, flow.log_prob, lambda n: flow.sample(n)[0], arrays, label, compile)
