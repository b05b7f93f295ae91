"""RealNVP with zuko: ``zuko.flows.RealNVP``.

Rates below are train steps a second of 1024 examples on one (two) cores of a shared
two-core virtual machine; they say which variant is the faster, no more.

* ``torch.compile`` of the density, compiled in about 12 s: 185 to 204 (196), against 138
  (187) without it (``compile=False``); density alone 640 (740) a second, against 575 (770).
* Adam without ``torch.compile``: fused 138 (187), default 120 (156).

Differences from the case: the log scale is softly bounded to +-log 1000; the last layer
of a conditioner does not start at zero.  35,344 parameters, those of the case.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import torch
import zuko

# isort: split
from _torch_training import TorchFlow

LAYERS = 8
WIDTH = 64


def build(seed: int, train_data: np.ndarray, *, adam: str = "fused", compile: bool = True) -> TorchFlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters.
        train_data: Array of shape ``[N, 2]``.
        adam: Adam's implementation: ``"default"``, ``"foreach"`` or ``"fused"``.
        compile: Whether to use ``torch.compile``; needs a C++ compiler.

    Returns:
        The trainer.
    """
    torch.manual_seed(seed)
    flow = zuko.flows.RealNVP(train_data.shape[-1], transforms=LAYERS, hidden_features=(WIDTH, WIDTH))

    def log_prob(batch):
        return flow().log_prob(batch)

    label = f"zuko {version('zuko')}, torch {torch.__version__}"
    return TorchFlow(flow, log_prob, train_data, label, adam, compile, lambda count: flow().sample((count,)))
