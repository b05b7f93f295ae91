"""A uniform distribution on the dark squares of a board."""

import numpy as np

from tfflows.arguments import check_positive
from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.lattice_entropy import pairs

_SQUARES = 4  # along a side


def checkerboard(*, size=2.0):
    """A `ToyDensity`, uniform on the eight dark squares of a 4 x 4 board centred at the origin.

    A point is on a dark square when `floor(x1 / size) + floor(x2 / size)` is even, both in {-2, ..., 1}. There
    `p(x) = 1 / (8 size^2)`, elsewhere the density is zero and `log_prob` is `-inf`. Entropy `log(8 size^2)`.
    With the default the board is `[-4, 4]^2`, as in FFJORD (Grathwohl et al., 2019, toy_data.py).

    Args:
      size: side of one square, positive.
    """
    check_positive(size=size)
    return _Checkerboard(size)


class _Checkerboard(ToyDensity):
    def __init__(self, size):
        self._size = size
        corners = pairs(np.arange(_SQUARES) - _SQUARES // 2)
        self._corners = corners[corners.sum(axis=1) % 2 == 0]
        edge = 1.125 * size * _SQUARES / 2
        super().__init__("checkerboard", bounds=((-edge, edge), (-edge, edge)), options={"size": size})

    def _draw(self, rng, n):
        corner = self._corners[rng.integers(len(self._corners), size=n)]
        x = ((corner + rng.random((n, 2))) * self._size).astype(np.float32)
        # Rounding to float32 may reach the next square, where the density can be zero: stay strictly inside.
        low = (corner * self._size).astype(np.float32)
        high = ((corner + 1) * self._size).astype(np.float32)
        return np.clip(x, np.nextafter(low, np.float32(np.inf)), np.nextafter(high, np.float32(-np.inf)))

    def _log_density(self, x):
        square = np.floor(x / self._size)
        on_board = np.all((square >= -_SQUARES // 2) & (square < _SQUARES // 2), axis=1)
        dark = on_board & (square.sum(axis=1) % 2 == 0)
        return np.where(dark, -self._entropy(), -np.inf)

    def _entropy(self):
        return np.log(len(self._corners) * self._size**2)
