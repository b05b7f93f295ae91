"""Many modes in many dimensions, with everything known: a rotated product of bimodal densities."""

import numpy as np

from tfflows.arguments import check_integer, check_positive
from tfflows.datasets.densities.density import ToyDensity

_PANELS = 4000  # of the one-dimensional entropies; the trapezoidal rule of a smooth decaying function is exact here


def rotated_mixture(*, dimensions=20, separation=2.0, noise=0.5):
    """A `ToyDensity`: a product of bimodal densities, `2^D` modes, seen from a rotated frame.

        x = Q z,      z_i ~ w_i N(separation, noise^2) + (1 - w_i) N(-separation, noise^2) independently

    with `w_i` evenly spaced from 0.3 to 0.7 and `Q` a fixed rotation (of a Gaussian matrix's QR decomposition), so
    `log p(x) = sum_i log p_i((Q^T x)_i)` and the entropy is the sum of one-dimensional integrals. Each entry of `x`
    alone is close to normal: the structure is in the joint distribution only.

    Args:
      dimensions: `D`, an integer of at least 2.
      separation: of the two modes of an entry from 0, positive.
      noise: standard deviation of each, positive.
    """
    check_positive(separation=separation, noise=noise)
    check_integer(2, dimensions=dimensions)
    return _RotatedMixture(int(dimensions), float(separation), float(noise))


class _RotatedMixture(ToyDensity):
    def __init__(self, dimensions, separation, noise):
        self._separation, self._noise = separation, noise
        self._weights = np.linspace(0.3, 0.7, dimensions)
        q, r = np.linalg.qr(np.random.default_rng(0).normal(size=(dimensions, dimensions)))
        self._rotation = q * np.sign(np.diag(r))  # the factorisation's signs differ between libraries
        reach = dimensions**0.5 * separation + 5 * noise
        super().__init__(
            "rotated_mixture",
            event_shape=(dimensions,),
            bounds=((-reach, reach), (-reach, reach)) if dimensions == 2 else None,
            options={"dimensions": dimensions, "separation": separation, "noise": noise},
        )

    def _draw(self, rng, n):
        side = np.where(rng.random((n, len(self._weights))) < self._weights, 1.0, -1.0)
        return (self._separation * side + self._noise * rng.standard_normal(side.shape)) @ self._rotation.T

    def _log_density(self, x):
        return self._log_each(x @ self._rotation).sum(axis=1)

    def _log_each(self, z):
        """Log-densities of the entries, `[..., D]`."""
        logs = [
            np.log(weight) - 0.5 * ((z - centre) / self._noise) ** 2
            for weight, centre in ((self._weights, self._separation), (1 - self._weights, -self._separation))
        ]
        return np.logaddexp(*logs) - np.log(self._noise) - 0.5 * np.log(2 * np.pi)

    def _entropy(self):
        reach = self._separation + 12 * self._noise
        z, step = np.linspace(-reach, reach, _PANELS + 1, retstep=True)
        logs = self._log_each(np.repeat(z[:, None], len(self._weights), axis=1))
        return -np.sum(np.exp(logs) * logs) * step
