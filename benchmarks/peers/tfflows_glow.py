"""Glow with this package: ``tfflows.models.Glow``, trained by ``fit``.

The networks' hidden layers are normalized from data (Glow's own actnorm), 3x3
convolutions see the border of the image, the factored-out half has a learned prior given
the other half, and the log-scale of a coupling is bounded: all as the defaults are.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf

# isort: split
import _images

from tfflows.models import Glow

LEARNING_RATE = 1e-3
EPSILON = 1e-8  # torch's default, for both


class TensorFlowGlow:
    """The trainer.

    Args:
        glow: The flow.
        data: Integer images ``train`` and ``test``, ``[N, H, W, C]``.
        batch_size: Images in a training step and in a batch that is drawn.
        seed: Seed of the order of the batches.
    """

    def __init__(self, glow: Glow, data: dict, batch_size: int, seed: int):
        self.version = f"tfflows {_version()}, tensorflow {tf.__version__}, keras {keras.__version__}"
        self._glow, self._test, self._batch_size = glow, data["test"], batch_size
        glow.adapt(data["train"])
        glow.compile(keras.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON))
        self.num_parameters = sum(int(np.prod(weight.shape)) for weight in glow.trainable_variables)
        self._batches = _images.batches(data["train"], batch_size, seed)
        self._log_prob = tf.function(glow.log_prob)
        self._sample = tf.function(lambda: glow.sample(batch_size))

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the mean loss."""
        x = np.stack([next(self._batches) for _ in range(steps)])
        return self._glow.fit(tf.data.Dataset.from_tensor_slices(x), verbose=0).history["loss"][-1]

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly."""
        for _ in range(steps):
            self._sample().numpy()

    def evaluate(self, draws: int) -> dict:
        """Bits per dimension of the test images."""
        return _images.bits_per_dim(self._log_prob, self._test, draws)


def build(seed: int, data: dict, *, batch_size: int, **options) -> TensorFlowGlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters and of the batches.
        data: Integer images ``train`` and ``test``, and how many ``levels`` they have.
        batch_size: Images in a training step.
        **options: Of ``Glow``.

    Returns:
        The trainer.
    """
    keras.utils.set_random_seed(seed)
    levels = int(data["levels"])
    glow = Glow(data["train"].shape[1:], discrete_levels=levels, seed=1 + 1_000_000 * seed, **options)
    return TensorFlowGlow(glow, data, batch_size, seed)


def _version() -> str:
    try:
        return version("tfflows")
    except PackageNotFoundError:
        return "(not installed)"
