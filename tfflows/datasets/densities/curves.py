"""The toy densities that are curves plus noise: two moons, two spirals, a swiss roll."""

import numpy as np

from tfflows.datasets.densities.density import check_positive
from tfflows.datasets.densities.noisy_curve import Curve, NoisyCurve


def two_moons(*, noise=0.1):
    """Two interleaved half circles, the geometry of scikit-learn's `make_moons`.

    With `t ~ U[0, pi]` and either moon as likely:

        outer: (cos t, sin t)      inner: (1 - cos t, 1/2 - sin t)      x = moon(t) + noise * N(0, I)

    `make_moons` spaces its angles evenly, which is the same distribution in the limit. Log-density by quadrature along
    the curves, entropy by a lattice sum.

    Args:
      noise: standard deviation of the Gaussian noise, positive.

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if `noise` is not a positive number.
    """
    check_positive(noise=noise)

    def outer(t):
        return np.stack([np.cos(t), np.sin(t)], axis=-1)

    def inner(t):
        return np.stack([1 - np.cos(t), 0.5 - np.sin(t)], axis=-1)

    def outer_velocity(t):
        return np.stack([-np.sin(t), np.cos(t)], axis=-1)

    def inner_velocity(t):
        return np.stack([np.sin(t), -np.cos(t)], axis=-1)

    moons = [
        Curve(
            position=position,
            velocity=velocity,
            interval=(0.0, np.pi),
            speed=1.0,
            acceleration=1.0,
            quantile=lambda u: np.pi * u,
            weight=lambda t: np.full_like(t, 1 / np.pi),
        )
        for position, velocity in ((outer, outer_velocity), (inner, inner_velocity))
    ]
    return NoisyCurve("two_moons", moons, noise=noise, options={"noise": noise})


def two_spirals(*, noise=0.1, turns=1.5):
    """Two Archimedean spirals that leave the origin in opposite directions.

    With `T = 2 pi turns`, `u ~ U[0, 1]`, `t = T sqrt(u)` (nearly even along the arm) and either sign as likely:

        x = +-(-t cos t, t sin t) / 3 + noise * N(0, I)

    As in FFJORD's `2spirals` (Grathwohl et al., 2019, toy_data.py), without its second, uniform jitter.

    Args:
      noise: standard deviation of the Gaussian noise, positive.
      turns: how many times an arm winds round, positive; arms are about 1.05 apart and reach `2.1 turns`.

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if an argument is not a positive number.
    """
    check_positive(noise=noise, turns=turns)
    end = 2 * np.pi * turns
    arms = [
        _spiral(
            -sign / 3,
            sign / 3,
            interval=(0.0, end),
            quantile=lambda u: end * np.sqrt(u),
            weight=lambda t: 2 * t / end**2,
        )
        for sign in (1, -1)
    ]
    return NoisyCurve("two_spirals", arms, noise=noise, options={"noise": noise, "turns": turns})


def swiss_roll(*, noise=0.2):
    """The planar swiss roll: scikit-learn's `make_swiss_roll` seen along its axis and divided by five.

    With `t ~ U[3 pi / 2, 9 pi / 2]`: `x = (t cos t, t sin t) / 5 + noise * N(0, I)`.

    Args:
      noise: standard deviation of the Gaussian noise after the scaling, positive. The default is the
        `make_swiss_roll(noise=1.0) / 5` of FFJORD (Grathwohl et al., 2019, toy_data.py).

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if `noise` is not a positive number.
    """
    check_positive(noise=noise)
    start, stop = 1.5 * np.pi, 4.5 * np.pi
    roll = _spiral(
        1 / 5,
        1 / 5,
        interval=(start, stop),
        quantile=lambda u: start + (stop - start) * u,
        weight=lambda t: np.full_like(t, 1 / (stop - start)),
    )
    return NoisyCurve("swiss_roll", [roll], noise=noise, options={"noise": noise})


def _spiral(across, up, *, interval, quantile, weight):
    """The spiral `(across t cos t, up t sin t)`, `|across| = |up|`: speed and acceleration grow with `t`."""
    scale = np.array([across, up])
    end = interval[1]
    return Curve(
        position=lambda t: np.stack([t * np.cos(t), t * np.sin(t)], axis=-1) * scale,
        velocity=lambda t: np.stack([np.cos(t) - t * np.sin(t), np.sin(t) + t * np.cos(t)], axis=-1) * scale,
        interval=interval,
        speed=abs(across) * np.hypot(1, end),
        acceleration=abs(across) * np.hypot(2, end),
        quantile=quantile,
        weight=weight,
    )
