"""Spline couplings and MAF with zuko: ``zuko.flows.NSF`` with two passes a transform, ``zuko.flows.MAF``."""

from __future__ import annotations

from importlib.metadata import version

import torch
import zuko

# isort: split
from _torch_density import TorchDensity


def build(seed: int, arrays: dict, *, model: str, compile: bool = True, width: int = 128) -> TorchDensity:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``."""
    torch.manual_seed(seed)
    size, layers = arrays["train"].shape[1], {"transforms": 5, "hidden_features": (width, width)}
    flow = zuko.flows.NSF(size, bins=8, passes=2, **layers) if model == "spline" else zuko.flows.MAF(size, **layers)
    label = f"zuko {version('zuko')}, torch {torch.__version__}"
    return TorchDensity(flow, lambda x: flow().log_prob(x), lambda n: flow().sample((n,)), arrays, label, compile)
