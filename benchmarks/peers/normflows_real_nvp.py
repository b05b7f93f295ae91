"""RealNVP with normflows: ``AffineCouplingBlock`` in a ``NormalizingFlow``.

Rates below are train steps a second of 1024 examples on one (two) cores of a shared
two-core virtual machine; they say which variant is the faster, no more.

* ``torch.compile`` of the density, compiled in about 10 s: 215, against 154 without it
  (``compile=False``); density alone 830 a second, against 630.
* ``split_mode`` alternates; with the library's ``Permute`` between blocks instead
  (``coupling="permute"``) 147 against 150, both without ``torch.compile``.
  ``MaskedAffineFlow`` (``coupling="masked"``) has two networks a layer, 71,712 parameters
  in all, and made 76.
* The conditioner is made of ``torch.nn`` layers.  The library's ``MLP``, whose relu is a
  leaky one of slope 0 (``net="library"``), is as fast without ``torch.compile`` (150),
  but much slower with it (73).
* Adam without ``torch.compile``, library ``MLP``: fused 150 (181), default 145 (173),
  foreach 140 (172).

Differences from the case: none.  The log scale is unbounded; the last layer of a
conditioner starts at zero.  35,344 parameters.
"""

from __future__ import annotations

from importlib.metadata import version

import normflows as nf
import numpy as np
import torch
from torch import nn

# isort: split
from _torch_training import TorchFlow

LAYERS = 8
WIDTH = 64


def conditioner(net: str, in_size: int, out_size: int) -> nn.Module:
    """A network of two hidden layers that starts by returning zeros."""
    sizes = [in_size, WIDTH, WIDTH, out_size]
    if net == "library":
        return nf.nets.MLP(sizes, init_zeros=True)
    last = nn.Linear(WIDTH, out_size)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(in_size, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), last)


def build(
    seed: int,
    train_data: np.ndarray,
    *,
    coupling: str = "block",
    net: str = "relu",
    adam: str = "fused",
    compile: bool = True,
) -> TorchFlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters.
        train_data: Array of shape ``[N, 2]``.
        coupling: ``"block"``, ``"permute"`` or ``"masked"``.
        net: ``"relu"`` or ``"library"``.
        adam: Adam's implementation: ``"default"``, ``"foreach"`` or ``"fused"``.
        compile: Whether to use ``torch.compile``; needs a C++ compiler.

    Returns:
        The trainer.

    Raises:
        ValueError: If there is no such variant.
    """
    torch.manual_seed(seed)
    dim = train_data.shape[-1]
    half = dim // 2
    flows = []
    for index in range(LAYERS):
        if coupling == "block":
            mode = "channel" if index % 2 == 0 else "channel_inv"
            param_map = conditioner(net, half, 2 * (dim - half))
            flows.append(nf.flows.AffineCouplingBlock(param_map, split_mode=mode))
        elif coupling == "permute":
            param_map = conditioner(net, half, 2 * (dim - half))
            flows += [nf.flows.AffineCouplingBlock(param_map), nf.flows.Permute(dim, mode="swap")]
        elif coupling == "masked":
            shift, scale = (conditioner(net, dim, dim) for _ in range(2))
            mask = (torch.arange(dim) % 2 == index % 2).float()
            flows.append(nf.flows.MaskedAffineFlow(mask, shift, scale))
        else:
            raise ValueError(f"unknown coupling: {coupling!r}")
    base = nf.distributions.DiagGaussian(dim, trainable=False)
    flow = nf.NormalizingFlow(base, flows)
    label = f"normflows {version('normflows')}, torch {torch.__version__}"
    return TorchFlow(flow, flow.log_prob, train_data, label, adam, compile)
