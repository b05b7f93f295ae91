"""The training loop shared by the PyTorch peers."""

from __future__ import annotations

import itertools

import numpy as np
import torch

BATCH_SIZE = 1024
LEARNING_RATE = 1e-3


class TorchFlow:
    """Maximum-likelihood training of a PyTorch flow.

    Args:
        module: The module that holds the parameters.
        log_prob: The log density of a batch under ``module``.
        train_data: Array of shape ``[N, 2]``.
        version: Text that names the libraries' versions.
        adam: Which of Adam's implementations: ``"default"``, ``"foreach"`` or ``"fused"``.
        compile: Whether to compile ``log_prob`` with ``torch.compile``.  The first call with
            gradients and the first without each take seconds then.
        draw: Draws, a function of their number, where its benchmark asks for them.
    """

    def __init__(self, module, log_prob, train_data: np.ndarray, version: str, adam: str, compile: bool, draw=None):
        self.version, self._draw = version, draw
        parameters = [p for p in module.parameters() if p.requires_grad]
        self.num_parameters = sum(p.numel() for p in parameters)
        choice = {} if adam == "default" else {adam: True}
        self._optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, **choice)
        self._log_prob = torch.compile(log_prob) if compile else log_prob
        data = torch.from_numpy(train_data)
        self._first = data[:BATCH_SIZE]
        self._batches = itertools.cycle(data[: len(data) // BATCH_SIZE * BATCH_SIZE].split(BATCH_SIZE))

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss = torch.tensor(float("nan"))
        for batch in itertools.islice(self._batches, steps):
            self._optimizer.zero_grad(set_to_none=True)
            loss = -self._log_prob(batch).mean()
            loss.backward()
            self._optimizer.step()
        return loss.item()

    def log_prob(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly."""
        with torch.no_grad():
            for _ in range(steps):
                self._log_prob(self._first)

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly."""
        with torch.no_grad():
            for _ in range(steps):
                self._draw(BATCH_SIZE)
