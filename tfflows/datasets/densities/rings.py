"""Concentric circles plus noise, in closed form with a Bessel function."""

import numpy as np
import scipy.special

from tfflows.arguments import check_positive
from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.lattice_entropy import lattice_entropy


def rings(*, radii=(0.75, 1.5, 2.25, 3.0), noise=0.08):
    """A `ToyDensity`: concentric circles, each as likely, plus isotropic Gaussian noise.

    With `K` radii `R_k`, `r = |x|` and the scaled Bessel function `I0e(z) = exp(-z) I0(z)`:

        p(x) = 1/K sum_k exp(-(r - R_k)^2 / (2 noise^2)) I0e(r R_k / noise^2) / (2 pi noise^2)

    The defaults are FFJORD's `rings` (Grathwohl et al., 2019, toy_data.py). Entropy by a lattice sum.

    Args:
      radii: the radii, positive.
      noise: standard deviation of the Gaussian noise, positive.
    """
    radii = tuple(np.atleast_1d(radii).tolist())
    if not radii:
        raise ValueError(f"`radii` must hold at least one radius. Received: radii={radii!r}")
    for radius in radii:
        check_positive(radii=radius)
    check_positive(noise=noise)
    return _Rings(radii, noise)


class _Rings(ToyDensity):
    def __init__(self, radii, noise):
        self._radii = np.asarray(radii, dtype=np.float64)
        self._noise = noise
        edge = float(max(radii) + 5 * noise)
        bounds = ((-edge, edge), (-edge, edge))
        super().__init__("rings", bounds=bounds, options={"radii": radii, "noise": noise})

    def _draw(self, rng, n):
        radius = rng.choice(self._radii, size=n)
        angle = 2 * np.pi * rng.random(n)
        circle = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return circle + self._noise * rng.standard_normal((n, 2))

    def _log_density(self, x):
        r = np.hypot(x[:, 0], x[:, 1])[:, None]
        variance = self._noise**2
        logs = -((r - self._radii) ** 2) / (2 * variance) + np.log(scipy.special.i0e(r * self._radii / variance))
        return np.logaddexp.reduce(logs, axis=1) - np.log(2 * np.pi * variance * len(self._radii))

    def _entropy(self):
        skeleton = []
        for radius in self._radii:
            angle = np.linspace(0, 2 * np.pi, 16 + int(2 * np.pi * radius / self._noise))
            skeleton.append(radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
        return lattice_entropy(self.log_prob, np.concatenate(skeleton), scale=self._noise)
