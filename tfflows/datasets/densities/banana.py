"""The banana: a Gaussian bent along a parabola."""

import numpy as np

from tfflows.arguments import check_number, check_positive
from tfflows.datasets.densities.density import ToyDensity


def banana(*, curvature=0.5, scale=1.5, noise=0.3):
    """A `ToyDensity`: a Gaussian bent along a parabola.

        x1 = scale e1,      x2 = curvature (x1^2 - scale^2) + noise e2,      e ~ N(0, I)

    so `log p(x) = log N(x1; 0, scale^2) + log N(x2; curvature (x1^2 - scale^2), noise^2)`, both means are zero, and
    the entropy is `log(2 pi e scale noise)`: bending keeps areas.

    Args:
      curvature: of the parabola, any real number; zero leaves a Gaussian.
      scale: standard deviation of `x1`, positive.
      noise: standard deviation of `x2` about the parabola, positive.

    References:
      H. Haario, E. Saksman and J. Tamminen, Adaptive proposal distribution for random walk Metropolis algorithm,
      Computational Statistics, 1999.
    """
    check_positive(scale=scale, noise=noise)
    check_number(curvature=curvature)
    return _Banana(curvature, scale, noise)


class _Banana(ToyDensity):
    def __init__(self, curvature, scale, noise):
        self._curvature, self._scale, self._noise = curvature, scale, noise
        side = 4.5 * scale
        ends = sorted([-curvature * scale**2, curvature * (side**2 - scale**2)])
        super().__init__(
            "banana",
            bounds=((-side, side), (ends[0] - 5 * noise, ends[1] + 5 * noise)),
            options={"curvature": curvature, "scale": scale, "noise": noise},
        )

    def _draw(self, rng, n):
        x1, x2 = rng.standard_normal((n, 2)).T * np.array([[self._scale], [self._noise]])
        return np.stack([x1, x2 + self._parabola(x1)], axis=-1)

    def _log_density(self, x):
        x1, x2 = x.T
        square = (x1 / self._scale) ** 2 + ((x2 - self._parabola(x1)) / self._noise) ** 2
        return -0.5 * square - np.log(2 * np.pi * self._scale * self._noise)

    def _entropy(self):
        return np.log(2 * np.pi * np.e * self._scale * self._noise)

    def _parabola(self, x1):
        return self._curvature * (x1**2 - self._scale**2)
