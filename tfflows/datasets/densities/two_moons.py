"""Two moons: half circles that reach into each other."""

import numpy as np

from tfflows.arguments import check_positive
from tfflows.datasets.densities.noisy_curve import Curve, NoisyCurve


def two_moons(*, noise=0.1):
    """A `ToyDensity`: two interleaved half circles, the geometry of scikit-learn's `make_moons`.

    With `t ~ U[0, pi]` and either moon as likely:

        outer: (cos t, sin t)      inner: (1 - cos t, 1/2 - sin t)      x = moon(t) + noise * N(0, I)

    `make_moons` spaces its angles evenly, which is the same distribution in the limit. Log-density by quadrature along
    the curves, entropy by a lattice sum.

    Args:
      noise: standard deviation of the Gaussian noise, positive.
    """
    check_positive(noise=noise)
    moons = [_half_circle(np.zeros(2), 1), _half_circle(np.array([1, 0.5]), -1)]
    return NoisyCurve("two_moons", moons, noise=noise, options={"noise": noise})


def _half_circle(centre, sign):
    """`centre + sign (cos t, sin t)`, `t` from 0 to pi."""
    return Curve(
        position=lambda t: centre + sign * np.stack([np.cos(t), np.sin(t)], axis=-1),
        velocity=lambda t: sign * np.stack([-np.sin(t), np.cos(t)], axis=-1),
        interval=(0.0, np.pi),
        speed=1.0,
        acceleration=1.0,
        quantile=lambda u: np.pi * u,
        weight=lambda t: np.full_like(t, 1 / np.pi),
    )
