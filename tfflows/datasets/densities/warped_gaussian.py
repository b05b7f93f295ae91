"""Gaussians pushed through a simple map, everything in closed form: the banana and Neal's funnel."""

import numbers

import numpy as np

from tfflows.datasets.densities.density import ToyDensity, check_positive


def banana(*, curvature=0.5, scale=1.5, noise=0.3):
    """A Gaussian bent along a parabola.

        x1 = scale e1,      x2 = curvature (x1^2 - scale^2) + noise e2,      e ~ N(0, I)

    so `log p(x) = log N(x1; 0, scale^2) + log N(x2; curvature (x1^2 - scale^2), noise^2)`, both means are zero, and
    the entropy is `log(2 pi e scale noise)`: bending keeps areas.

    Args:
      curvature: of the parabola, any real number; zero leaves a Gaussian.
      scale: standard deviation of `x1`, positive.
      noise: standard deviation of `x2` about the parabola, positive.

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if an argument is out of range.

    References:
      H. Haario, E. Saksman and J. Tamminen, Adaptive proposal distribution for random walk Metropolis algorithm,
      Computational Statistics, 1999.
    """
    check_positive(scale=scale, noise=noise)
    if not isinstance(curvature, numbers.Real) or not np.isfinite(curvature):
        raise ValueError(f"`curvature` must be a finite number. Received: curvature={curvature!r}")
    return _Banana(curvature, scale, noise)


def funnel(*, dimensions=10, scale=3.0):
    """Neal's funnel: a Gaussian whose width is the exponential of a Gaussian.

        x1 ~ N(0, scale^2),      x2, ..., xD ~ N(0, exp(x1)) independently (variance exp(x1))

    so `log p(x) = log N(x1; 0, scale^2) + sum_i log N(xi; 0, exp(x1))` and, as `E[x1] = 0`, the entropy is
    `D/2 log(2 pi e) + log(scale)`. Where `xi^2 exp(-x1)` exceeds float64 (`x1` below about -700) the log is `-inf`.

    Args:
      dimensions: `D`, an integer of at least 2.
      scale: standard deviation of `x1`, positive.

    Returns:
      A `ToyDensity` with `event_shape` `(dimensions,)`. `bounds` is given for two dimensions only and shows the
      bulk: the tails of `x2` are long.

    Raises:
      ValueError: if an argument is out of range.

    References:
      R. M. Neal, Slice sampling, The Annals of Statistics, 2003, section 8.
    """
    check_positive(scale=scale)
    if isinstance(dimensions, bool) or not isinstance(dimensions, numbers.Integral) or dimensions < 2:
        raise ValueError(f"`dimensions` must be an integer of at least 2. Received: dimensions={dimensions!r}")
    return _Funnel(int(dimensions), scale)


class _Banana(ToyDensity):
    def __init__(self, curvature, scale, noise):
        self._curvature, self._scale, self._noise = curvature, scale, noise
        side = 4.5 * scale
        ends = sorted([-curvature * scale**2, curvature * (side**2 - scale**2)])
        super().__init__(
            "banana",
            event_shape=(2,),
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
