"""Neal's funnel, narrow at one end."""

import numpy as np

from tfflows.arguments import check_integer, check_positive
from tfflows.datasets.densities.density import ToyDensity


def funnel(*, dimensions=10, scale=3.0):
    """A `ToyDensity`, Neal's funnel: a Gaussian whose width is the exponential of a Gaussian.

        x1 ~ N(0, scale^2),      x2, ..., xD ~ N(0, exp(x1)) independently (variance exp(x1))

    so `log p(x) = log N(x1; 0, scale^2) + sum_i log N(xi; 0, exp(x1))` and, as `E[x1] = 0`, the entropy is
    `D/2 log(2 pi e) + log(scale)`. Where `xi^2 exp(-x1)` exceeds float64 (`x1` below about -700) the log is `-inf`.
    `bounds`, given for two dimensions only, shows the bulk: the tails of `x2` are long.

    Args:
      dimensions: `D`, an integer of at least 2.
      scale: standard deviation of `x1`, positive.

    References:
      R. M. Neal, Slice sampling, The Annals of Statistics, 2003, section 8.
    """
    check_positive(scale=scale)
    check_integer(2, dimensions=dimensions)
    return _Funnel(int(dimensions), scale)


class _Funnel(ToyDensity):
    def __init__(self, dimensions, scale):
        self._scale = scale
        width = 4 * np.exp(scale / 2)
        bounds = ((-4 * scale, 4 * scale), (-width, width)) if dimensions == 2 else None
        options = {"dimensions": dimensions, "scale": scale}
        super().__init__("funnel", event_shape=(dimensions,), bounds=bounds, options=options)

    def _draw(self, rng, n):
        x = rng.standard_normal((n, *self.event_shape))
        x[:, 0] *= self._scale
        x[:, 1:] *= np.exp(x[:, :1] / 2)
        return x

    def _log_density(self, x):
        v, rest = x[:, 0], x[:, 1:]
        with np.errstate(divide="ignore", over="ignore"):
            # as a difference of logs, so that 0 times infinity never arises
            square = np.sum(np.exp(2 * np.log(np.abs(rest)) - v[:, None]), axis=1)
        log_width = rest.shape[1] * v / 2
        constant = 0.5 * x.shape[1] * np.log(2 * np.pi) + np.log(self._scale)
        return -0.5 * ((v / self._scale) ** 2 + square) - log_width - constant

    def _entropy(self):
        return 0.5 * self.event_shape[0] * np.log(2 * np.pi * np.e) + np.log(self._scale)
