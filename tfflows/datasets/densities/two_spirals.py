"""Two spirals out of one point."""

import numpy as np

from tfflows.arguments import check_positive
from tfflows.datasets.densities.noisy_curve import NoisyCurve, spiral


def two_spirals(*, noise=0.1, turns=1.5):
    """A `ToyDensity`: two Archimedean spirals that leave the origin in opposite directions.

    With `T = 2 pi turns`, `u ~ U[0, 1]`, `t = T sqrt(u)` (nearly even along the arm) and either sign as likely:

        x = +-(-t cos t, t sin t) / 3 + noise * N(0, I)

    As in FFJORD's `2spirals` (Grathwohl et al., 2019, toy_data.py), without its second, uniform jitter.

    Args:
      noise: standard deviation of the Gaussian noise, positive.
      turns: how many times an arm winds round, positive; arms are about 1.05 apart and reach `2.1 turns`.
    """
    check_positive(noise=noise, turns=turns)
    end = 2 * np.pi * turns
    chance = {"quantile": lambda u: end * np.sqrt(u), "weight": lambda t: 2 * t / end**2}
    arms = [spiral(-sign / 3, sign / 3, interval=(0.0, end), **chance) for sign in (1, -1)]
    return NoisyCurve("two_spirals", arms, noise=noise, options={"noise": noise, "turns": turns})
