"""What the Glow peers share: batches of integer images, dequantized test images, bits per dimension.

NumPy only.  All libraries see the same batches in the same order and are judged on the
same dequantized test images; the noise of training is each library's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

EVALUATION_BATCH = 250


def batches(images: np.ndarray, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Batches without end, every epoch in a new order, an incomplete last batch left out."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(images) - batch_size + 1, batch_size):
            yield images[order[start : start + batch_size]]


def bits_per_dim(log_prob, images: np.ndarray, draws: int) -> dict:
    """Bits per dimension of integer images under a density of the dequantized ones.

    Args:
        log_prob: Function of float images ``x + u`` in units of a level, nats ``[batch]``.
        images: Integers ``[N, H, W, C]``.
        draws: Draws of the uniform noise ``u`` for each image, averaged outside the logarithm.

    Returns:
        Mean, its standard error over images, and the number of values that are not finite.
    """
    rng, nats = np.random.default_rng(0), np.zeros(len(images))
    for _ in range(draws):
        x = images + rng.uniform(0, 1, images.shape)
        x = np.minimum(x.astype("float32"), np.nextafter(images + np.float32(1), np.float32(0)))
        for start in range(0, len(x), EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            nats[part] -= np.asarray(log_prob(x[part]), "float64") / draws
    bits = nats / (math.prod(images.shape[1:]) * math.log(2))
    return {
        "bits_per_dim": float(bits.mean()),
        "standard_error": float(bits.std(ddof=1) / math.sqrt(len(bits))),
        "not_finite": int((~np.isfinite(bits)).sum()),
    }
