"""Gaussians on a circle, which may be twisted: what the eight Gaussians and the pinwheel share."""

import numpy as np

from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.lattice_entropy import lattice_entropy, pairs


class CircularMixture(ToyDensity):
    """`x = magnification R(twist |z|) z`, `z` a mixture of Gaussians whose axes point away from the origin."""

    def __init__(self, name, *, arms, radius, along, across, options, twist=0.0, magnification=1.0):
        self._radius = radius
        self._deviation = np.array([along, across])
        self._angles = 2 * np.pi * np.arange(arms) / arms
        self._twist = twist
        self._magnification = magnification
        edge = float(magnification * (radius + 5 * max(along, across)))
        super().__init__(name, bounds=((-edge, edge), (-edge, edge)), options=options)

    def _draw(self, rng, n):
        angle = rng.choice(self._angles, size=n)
        z = self._deviation * rng.standard_normal((n, 2)) + [self._radius, 0.0]
        return self._magnification * _rotate(z, angle + self._twist * np.hypot(z[:, 0], z[:, 1]))

    def _log_density(self, x):
        y = x / self._magnification
        y = _rotate(y, -self._twist * np.hypot(y[:, 0], y[:, 1]))
        return self._log_untwisted(y) - 2 * np.log(self._magnification)

    def _log_untwisted(self, y):
        z = _rotate(y[:, None], -self._angles) - [self._radius, 0.0]
        logs = -0.5 * np.sum((z / self._deviation) ** 2, axis=-1)
        constant = np.log(2 * np.pi * len(self._angles)) + np.sum(np.log(self._deviation))
        return np.logaddexp.reduce(logs, axis=1) - constant

    def _entropy(self):
        scale = self._deviation.min()
        reach = 9 * self._deviation
        axes = [np.arange(-r, r + scale, scale) if r > 9 * scale else np.zeros(1) for r in reach]
        cloud = pairs(*axes) + [self._radius, 0.0]
        skeleton = _rotate(cloud[:, None], self._angles).reshape(-1, 2)
        return lattice_entropy(self._log_untwisted, skeleton, scale=scale) + 2 * np.log(self._magnification)


def _rotate(points, angle):
    """Turns `points` `[..., 2]` by `angle` `[...]` radians, counterclockwise."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
