"""Mixtures of Gaussians on a circle: eight round ones, and the twisted arms of a pinwheel."""

import math
import numbers

import numpy as np

from tfflows.datasets.densities.density import ToyDensity, bounds_around, check_positive
from tfflows.datasets.densities.lattice_entropy import lattice_entropy

_RADIUS = 4 / math.sqrt(2)
_NOISE = 0.5 / math.sqrt(2)


def eight_gaussians(*, radius=_RADIUS, noise=_NOISE):
    """Eight round Gaussians, each as likely, evenly spaced on a circle.

        p(x) = 1/8 sum_k N(x; radius (cos 2 pi k / 8, sin 2 pi k / 8), noise^2 I)

    The defaults, 2.83 and 0.354, are FFJORD's (Grathwohl et al., 2019, toy_data.py): radius 4 and deviation 1/2, both
    divided by the square root of two. Entropy by a lattice sum.

    Args:
      radius: of the circle the centres lie on, positive.
      noise: standard deviation of each Gaussian, positive.

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if an argument is not a positive number.
    """
    check_positive(radius=radius, noise=noise)
    options = {"radius": float(radius), "noise": float(noise)}
    return _CircularMixture("eight_gaussians", arms=8, radius=radius, along=noise, across=noise, options=options)


def pinwheel(*, arms=5, radial_noise=0.3, tangential_noise=0.1, twist=0.7):
    """Gaussian arms around a circle, twisted by an angle that grows with the radius.

    With `k` uniform among the arms and `z = (1 + radial_noise e1, tangential_noise e2)`, `e ~ N(0, I)`:

        x = 2 R(2 pi k / arms + twist |z|) z,      R(a) the rotation by a

    A rotation by a function of the radius alone keeps areas (its Jacobian is `R (I + twist J z z' / |z|)`, `J` the
    quarter turn, of determinant `1 + twist z' J z / |z| = 1`), so with `y = R(-twist |x| / 2) x / 2`

        p(x) = 1/4 1/arms sum_k N(R(-2 pi k / arms) y; (1, 0), diag(radial_noise^2, tangential_noise^2))

    exactly. The usual pinwheel (Johnson et al., 2016) twists by `0.25 exp(z1)`, a function of the first coordinate
    before the turn, and that one has no such form. Entropy by a lattice sum over `y`, plus `log 4`.

    Args:
      arms: how many, a positive integer.
      radial_noise: standard deviation along an arm, positive.
      tangential_noise: standard deviation across an arm, positive.
      twist: radians turned per unit of radius (before the doubling).

    Returns:
      A `ToyDensity` with `event_shape` `(2,)`.

    Raises:
      ValueError: if an argument is out of range.
    """
    check_positive(radial_noise=radial_noise, tangential_noise=tangential_noise)
    if isinstance(arms, bool) or not isinstance(arms, numbers.Integral) or arms < 1:
        raise ValueError(f"`arms` must be a positive integer. Received: arms={arms!r}")
    if not isinstance(twist, numbers.Real) or not np.isfinite(twist):
        raise ValueError(f"`twist` must be a finite number. Received: twist={twist!r}")
    options = {"arms": arms, "radial_noise": radial_noise, "tangential_noise": tangential_noise}
    options["twist"] = twist
    return _CircularMixture(
        "pinwheel",
        arms=arms,
        radius=1.0,
        along=radial_noise,
        across=tangential_noise,
        twist=twist,
        magnification=2.0,
        options=options,
    )


class _CircularMixture(ToyDensity):
    """`x = magnification R(twist |z|) z`, `z` a mixture of Gaussians whose axes point away from the origin."""

    def __init__(self, name, *, arms, radius, along, across, options, twist=0.0, magnification=1.0):
        self._radius = radius
        self._deviation = np.array([along, across])
        self._angles = 2 * np.pi * np.arange(arms) / arms
        self._twist = twist
        self._magnification = magnification
        edge = magnification * (radius + 5 * max(along, across))
        bounds = bounds_around(np.array([[-edge, -edge], [edge, edge]]), 0.0)
        super().__init__(name, event_shape=(2,), bounds=bounds, options=options)

    def _draw(self, rng, n):
        angle = rng.choice(self._angles, size=n)
        z = self._deviation * rng.standard_normal((n, 2)) + [self._radius, 0.0]
        return self._magnification * _rotate(z, angle + self._twist * np.hypot(z[:, 0], z[:, 1]))

    def _log_density(self, x):
        y = x / self._magnification
        y = _rotate(y, -self._twist * np.hypot(y[:, 0], y[:, 1]))
        return self._log_untwisted(y) - 2 * np.log(self._magnification)

    def _log_untwisted(self, y):
        z = _rotate(y[:, None], -self._angles) - [self._radius, 0.0]
        logs = -0.5 * np.sum((z / self._deviation) ** 2, axis=-1)
        constant = np.log(2 * np.pi * len(self._angles)) + np.sum(np.log(self._deviation))
        return np.logaddexp.reduce(logs, axis=1) - constant

    def _entropy(self):
        scale = self._deviation.min()
        reach = 9 * self._deviation
        axes = [np.arange(-r, r + scale, scale) if r > 9 * scale else np.zeros(1) for r in reach]
        cloud = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2) + [self._radius, 0.0]
        skeleton = _rotate(cloud[:, None], self._angles).reshape(-1, 2)
        return lattice_entropy(self._log_untwisted, skeleton, scale=scale) + 2 * np.log(self._magnification)


def _rotate(points, angle):
    """Turns `points` `[..., 2]` by `angle` `[...]` radians, counterclockwise."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
