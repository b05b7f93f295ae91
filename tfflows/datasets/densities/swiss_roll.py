"""The swiss roll, a spiral in the plane."""

import numpy as np

from tfflows.arguments import check_positive
from tfflows.datasets.densities.noisy_curve import NoisyCurve, spiral

_START, _STOP = 1.5 * np.pi, 4.5 * np.pi


def swiss_roll(*, noise=0.2):
    """A `ToyDensity`: scikit-learn's `make_swiss_roll` seen along its axis and divided by five.

    With `t ~ U[3 pi / 2, 9 pi / 2]`: `x = (t cos t, t sin t) / 5 + noise * N(0, I)`.

    Args:
      noise: standard deviation of the Gaussian noise after the scaling, positive. The default is the
        `make_swiss_roll(noise=1.0) / 5` of FFJORD (Grathwohl et al., 2019, toy_data.py).
    """
    check_positive(noise=noise)
    roll = spiral(
        1 / 5,
        1 / 5,
        interval=(_START, _STOP),
        quantile=lambda u: _START + (_STOP - _START) * u,
        weight=lambda t: np.full_like(t, 1 / (_STOP - _START)),
    )
    return NoisyCurve("swiss_roll", [roll], noise=noise, options={"noise": noise})
