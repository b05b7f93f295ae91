"""Training, evaluation and sampling shared by the PyTorch peers of ``density_estimators.py``."""

from __future__ import annotations

import math

import numpy as np
import torch


class TorchDensity:
    """Maximum-likelihood training of a PyTorch flow by the recipe of the benchmark.

    Args:
        module: The module that holds the parameters.
        log_prob: The log density of a batch under ``module``.
        sample: Draws, a function of their number.
        arrays: ``train`` and ``test``, of shape ``[N, D]``, and the recipe: ``batch_size``, ``steps``,
            ``warmup_steps``, ``learning_rate``, ``clip_norm``.
        version: Text that names the libraries' versions.
        compile: Whether to use ``torch.compile`` for the density; needs a C++ compiler.
    """

    def __init__(self, module, log_prob, sample, arrays: dict, version: str, compile: bool):
        self.version = version
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self.num_parameters = sum(p.numel() for p in self._parameters)
        self._batch_size, self._clip_norm = int(arrays["batch_size"]), float(arrays["clip_norm"])
        steps, warmup, rate = int(arrays["steps"]), int(arrays["warmup_steps"]), float(arrays["learning_rate"])

        def factor(step):
            if step < warmup:
                return step / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

        self._optimizer = torch.optim.Adam(self._parameters, lr=rate, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, factor)
        self._log_prob = torch.compile(log_prob) if compile else log_prob
        self._plain_log_prob, self._sample = log_prob, sample
        self._data = torch.from_numpy(arrays["train"])
        self._test = torch.from_numpy(arrays["test"])
        self._first, self._done = self._data[: self._batch_size], 0

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss, rows = torch.tensor(float("nan")), len(self._data) // self._batch_size
        for _ in range(steps):
            start = self._done % rows * self._batch_size
            self._optimizer.zero_grad(set_to_none=True)
            loss = -self._log_prob(self._data[start : start + self._batch_size]).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
            self._optimizer.step()
            self._schedule.step()
            self._done += 1
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
                self._sample(self._batch_size)

    def evaluate(self, draws: int) -> dict:
        """The mean log density of the test data, in nats."""
        with torch.no_grad():
            parts = [self._plain_log_prob(x).double().numpy() for x in self._test.chunk(10)]
        return {"log_prob": float(np.concatenate(parts).mean())}
