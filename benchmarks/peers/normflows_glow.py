"""Glow with normflows: ``GlowBlock``, ``Squeeze`` and ``Merge`` in a ``MultiscaleFlow``, as in its own example.

* ``base="diagonal"``: ``DiagGaussian`` for every latent, one mean and scale an entry;
  ``"glow"``: ``GlowBase``, one a channel.
* ``net_actnorm``: the library's option to normalize the hidden layers of the networks;
  off, as its default is.
* ``compile``: ``torch.compile`` of the log density, after the first, initialising batch.

Differences from Glow as published, by the library's choice: the prior of a factored-out
half does not depend on the other half; hidden convolutions start as PyTorch's do; their
scales are not learned.
"""

from __future__ import annotations

from importlib.metadata import version

import normflows as nf
import numpy as np
import torch

# isort: split
import _images

LEARNING_RATE = 1e-3
BASES = {"diagonal": nf.distributions.DiagGaussian, "glow": nf.distributions.GlowBase}


class TorchGlow:
    """The trainer.

    Args:
        flow: The flow.
        data: Integer images ``train`` and ``test``, ``[N, H, W, C]``, and their ``levels``.
        batch_size: Images in a training step and in a batch that is drawn.
        seed: Seed of the order of the batches.
        compile: Whether to use ``torch.compile``.
    """

    def __init__(self, flow: nf.MultiscaleFlow, data: dict, batch_size: int, seed: int, compile: bool):
        self.version = f"normflows {version('normflows')}, torch {torch.__version__}"
        self._flow, self._test, self._batch_size = flow, data["test"], batch_size
        self._levels, self._size = float(data["levels"]), int(np.prod(data["test"].shape[1:]))
        parameters = [p for p in flow.parameters() if p.requires_grad]
        self.num_parameters = sum(p.numel() for p in parameters)
        self._optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
        self._batches = _images.batches(data["train"], batch_size, seed)
        self._generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():  # initialises actnorm
            self._log_prob(self._dequantized(data["train"][:: max(1, len(data["train"]) // 256)][:256]))
        if compile:
            self._density = torch.compile(self._density)

    def _dequantized(self, x: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(np.moveaxis(x, -1, 1).astype("float32"))
        return x + torch.rand(x.shape, generator=self._generator)

    def _density(self, x: torch.Tensor) -> torch.Tensor:
        return self._flow.log_prob(x, None)

    def _log_prob(self, x: torch.Tensor) -> torch.Tensor:
        return self._density(x / self._levels - 0.5) - self._size * np.log(self._levels)

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the mean loss."""
        losses = []
        for _ in range(steps):
            self._optimizer.zero_grad(set_to_none=True)
            loss = -self._log_prob(self._dequantized(next(self._batches))).mean()
            loss.backward()
            self._optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly, as integers."""
        with torch.no_grad():
            for _ in range(steps):
                x = self._flow.sample(self._batch_size)[0]
                (x + 0.5).mul(self._levels).floor().clamp(0, self._levels - 1).to(torch.uint8).numpy()

    def evaluate(self, draws: int) -> dict:
        """Bits per dimension of the test images."""

        def log_prob(x):
            with torch.no_grad():
                return self._log_prob(torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))).numpy()

        return _images.bits_per_dim(log_prob, self._test, draws)


def build(
    seed: int,
    data: dict,
    *,
    batch_size: int,
    num_levels: int,
    steps_per_level: int,
    hidden_filters: int,
    base: str = "diagonal",
    net_actnorm: bool = False,
    compile: bool = False,
) -> TorchGlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters, the noise and the batches.
        data: Integer images ``train`` and ``test``, and how many ``levels`` they have.
        batch_size: Images in a training step.
        num_levels: Scales.
        steps_per_level: Blocks in each.
        hidden_filters: Filters of the hidden layers.
        base: ``"diagonal"`` or ``"glow"``.
        net_actnorm: Whether to normalize hidden layers.
        compile: Whether to use ``torch.compile``; needs a C++ compiler.

    Returns:
        The trainer.
    """
    torch.manual_seed(seed)
    height, width, channels = data["train"].shape[1:]
    priors, flows, merges = [], [], []
    for i in range(num_levels):  # the smallest scale first
        squeezes = num_levels - i
        blocks = [
            nf.flows.GlowBlock(channels * 2 ** (squeezes + 1), hidden_filters, net_actnorm=net_actnorm)
            for _ in range(steps_per_level)
        ]
        flows.append([*blocks, nf.flows.Squeeze()])
        kept = channels * 2 ** (squeezes + (i == 0))
        priors.append(BASES[base]((kept, height >> squeezes, width >> squeezes)))
        if i > 0:
            merges.append(nf.flows.Merge())
    flow = nf.MultiscaleFlow(priors, flows, merges, class_cond=False)
    return TorchGlow(flow, data, batch_size, seed, compile)
