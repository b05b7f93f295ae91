"""Many narrow Gaussians on a square lattice."""

import numpy as np

from tfflows.arguments import check_integer, check_positive
from tfflows.datasets.densities.density import ToyDensity


def gaussian_grid(*, side=5, spacing=1.0, noise=0.15):
    """A `ToyDensity`: round Gaussians, each as likely, on the points of a square lattice around the origin.

        p(x) = 1/side^2 sum_ij N(x; spacing (i - (side - 1) / 2, j - (side - 1) / 2), noise^2 I)

    Many narrow modes, on which flows drop or smear some. Entropy by a trapezoidal sum over one coordinate, twice: the
    two are independent.

    Args:
      side: int, Gaussians along each axis.
      spacing: between neighbours, positive.
      noise: standard deviation of each Gaussian, positive.
    """
    check_integer(side=side)
    check_positive(spacing=spacing, noise=noise)
    return _GaussianGrid(side, float(spacing), float(noise))


class _GaussianGrid(ToyDensity):
    def __init__(self, side, spacing, noise):
        self._places, self._noise = spacing * (np.arange(side) - (side - 1) / 2), noise
        edge = float(self._places[-1] + 5 * noise)
        options = {"side": side, "spacing": spacing, "noise": noise}
        super().__init__("gaussian_grid", bounds=((-edge, edge), (-edge, edge)), options=options)

    def _draw(self, rng, n):
        return rng.choice(self._places, size=(n, 2)) + self._noise * rng.standard_normal((n, 2))

    def _log_density(self, x):
        return np.sum(self._log_of_one(x), axis=-1)

    def _log_of_one(self, x):
        """The log-density of each coordinate, which are independent."""
        logs = -0.5 * ((x[..., None] - self._places) / self._noise) ** 2
        return np.logaddexp.reduce(logs, axis=-1) - np.log(len(self._places) * self._noise * np.sqrt(2 * np.pi))

    def _entropy(self):
        step = self._noise / 20
        end = self._places[-1] + 9 * self._noise
        log_density = self._log_of_one(np.arange(-end, end, step))
        return float(-2 * step * np.sum(np.exp(log_density) * log_density))
