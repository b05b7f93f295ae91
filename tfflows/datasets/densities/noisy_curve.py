"""Densities of points on curves in the plane plus Gaussian noise, by adaptive quadrature along the curve."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.lattice_entropy import lattice_entropy

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_VARIATION = 8.0  # nats the integrand may vary on a panel, either way: 20 nodes then err by 1e-12
_NEGLIGIBLE = 40.0  # nats below the best panel at which one is dropped
_PANELS = 16  # at level 0; each level halves them
_TABULATED = 6  # the last level kept in memory


@dataclasses.dataclass(frozen=True)
class Curve:
    """A parametrised curve and how a point is drawn on it.

    Attributes:
      position: `t [...] -> c(t) [..., 2]`.
      velocity: `t [...] -> c'(t) [..., 2]`.
      interval: `(start, stop)` of `t`.
      speed: an upper bound of `|c'(t)|` on the interval.
      acceleration: an upper bound of `|c''(t)|` on the interval.
      quantile: `u [...] in [0, 1) -> t`, the inverse distribution function of `t`.
      weight: `t [...] -> w(t)`, the probability density of `t`, smooth.
    """

    position: Callable
    velocity: Callable
    interval: tuple
    speed: float
    acceleration: float
    quantile: Callable
    weight: Callable


def spiral(across, up, *, interval, quantile, weight):
    """The spiral `(across t cos t, up t sin t)`, `|across| = |up|`: speed and acceleration grow with `t`."""
    scale = np.array([across, up])
    return Curve(
        position=lambda t: np.stack([t * np.cos(t), t * np.sin(t)], axis=-1) * scale,
        velocity=lambda t: np.stack([np.cos(t) - t * np.sin(t), np.sin(t) + t * np.cos(t)], axis=-1) * scale,
        interval=interval,
        speed=abs(across) * np.hypot(1, interval[1]),
        acceleration=abs(across) * np.hypot(2, interval[1]),
        quantile=quantile,
        weight=weight,
    )


class NoisyCurve(ToyDensity):
    """A curve chosen uniformly among `K`, a point on it, and isotropic Gaussian noise.

        p(x) = 1/K sum_k integral w_k(t) N(x; c_k(t), noise^2 I) dt

    Each integral is taken with Gauss-Legendre panels of 20 nodes. With `f(t) = -|x - c(t)|^2 / (2 noise^2)`, on
    a panel of centre `m` and half-width `h`

        |f(t) - f(m)| <= |f'(m)| h + ((|x - c(m)| + speed h) acceleration + speed^2) h^2 / (2 noise^2),

    a bound that tells for certain which panels cannot matter (40 nats below the best) and which must be halved (more
    than 8 nats of variation). Sums are taken relative to the best panel, so the log is right at any distance.
    """

    def __init__(self, name, curves, *, noise, options):
        self._curves = tuple(curves)
        self._panels = tuple(_Panels(curve) for curve in self._curves)
        self._noise = noise
        skeleton = []
        for curve in self._curves:
            start, stop = curve.interval
            count = int(np.ceil(curve.speed * (stop - start) / (1.5 * noise))) + 64
            skeleton.append(curve.position(np.linspace(start, stop, count)))
        self._skeleton = np.concatenate(skeleton)
        low, high = self._skeleton.min(axis=0) - 5 * noise, self._skeleton.max(axis=0) + 5 * noise
        super().__init__(name, bounds=tuple(zip(low.tolist(), high.tolist())), options=options)

    def _draw(self, rng, n):
        which = rng.integers(len(self._curves), size=n)
        uniform = rng.random(n)
        x = self._noise * rng.standard_normal((n, 2))
        for k, curve in enumerate(self._curves):
            chosen = which == k
            x[chosen] += curve.position(curve.quantile(uniform[chosen]))
        return x

    def _log_density(self, x):
        logs = np.stack([_log_integral(panels, x, self._noise) for panels in self._panels])
        constant = np.log(2 * np.pi * self._noise**2) + np.log(len(self._curves))
        return np.logaddexp.reduce(logs, axis=0) - constant

    def _entropy(self):
        return lattice_entropy(self.log_prob, self._skeleton, scale=self._noise)


class _Panels:
    """A curve's interval cut into `16 * 2^level` panels of the same width, for every level.

    Coarse levels, which most points share, are tabulated once; fine ones, met only far from the curve, are
    computed where asked.
    """

    def __init__(self, curve):
        self.curve = curve
        self._tables = {}

    def half_width(self, level):
        start, stop = self.curve.interval
        return (stop - start) / (2 * _PANELS * 2**level)

    def look_up(self, compute, level, index):
        """What `compute`, the method `centres` or `nodes`, gives for panels `index`, tabulated if coarse."""
        if level > _TABULATED:
            return compute(level, index)
        key = compute.__name__, level
        if key not in self._tables:
            self._tables[key] = compute(level, np.arange(_PANELS * 2**level))
        return tuple(table[index] for table in self._tables[key])

    def centres(self, level, index):
        """`c` and `c'` at the centres of panels `index` `[m]`: two arrays `[m, 2]`."""
        t = self.curve.interval[0] + self.half_width(level) * (2 * index + 1)
        return self.curve.position(t), self.curve.velocity(t)

    def nodes(self, level, index):
        """At each panel's nodes: `c - c(centre)` `[m, 2, 20]`, half its square and the weight, both `[m, 20]`."""
        half = self.half_width(level)
        centre = self.curve.interval[0] + half * (2 * index + 1)
        t = centre[:, None] + half * _NODES
        offset = np.moveaxis(self.curve.position(t) - self.curve.position(centre)[:, None], -1, -2)
        return offset, 0.5 * np.sum(offset**2, axis=-2), half * _WEIGHTS * self.curve.weight(t)


def _log_integral(panels, x, noise):
    """`log integral w(t) exp(-|x - c(t)|^2 / (2 noise^2)) dt` for each row of `x` `[n, 2]`."""
    curve = panels.curve
    row = np.repeat(np.arange(len(x)), _PANELS)
    index = np.tile(np.arange(_PANELS), len(x))
    best = np.full(len(x), -np.inf)
    accepted = []
    level = 0
    while len(row):
        half = panels.half_width(level)
        centre, velocity = panels.look_up(panels.centres, level, index)
        gap = x[row] - centre
        square = np.sum(gap**2, axis=-1)
        exponent = -square / (2 * noise**2)
        np.maximum.at(best, row, exponent)
        slope = np.abs(np.sum(gap * velocity, axis=-1))
        bend = (np.sqrt(square) + curve.speed * half) * curve.acceleration + curve.speed**2
        variation = (slope * half + bend * half**2 / 2) / noise**2
        matters = exponent + variation > best[row] - _NEGLIGIBLE
        easy = variation <= _VARIATION
        accept, divide = matters & easy, matters & ~easy
        accepted.append((level, row[accept], index[accept], gap[accept], exponent[accept]))
        row = np.repeat(row[divide], 2)
        index = np.repeat(2 * index[divide], 2) + np.tile([0, 1], np.count_nonzero(divide))
        level += 1
    mass = np.zeros(len(x))
    for level, row, index, gap, exponent in accepted:
        above = exponent - best[row]
        matters = above > -_NEGLIGIBLE - _VARIATION  # the best panel may have been found later
        row, gap, above = row[matters], gap[matters], above[matters]
        offset, half_square, weight = panels.look_up(panels.nodes, level, index[matters])
        relative = gap[:, :1] * offset[:, 0] + gap[:, 1:] * offset[:, 1] - half_square
        panel_mass = np.sum(weight * np.exp(above[:, None] + relative / noise**2), axis=-1)
        mass += np.bincount(row, weights=panel_mass, minlength=len(x))
    return best + np.log(mass)
