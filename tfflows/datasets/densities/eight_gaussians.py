"""Eight Gaussians on a circle."""

import math

from tfflows.arguments import check_positive
from tfflows.datasets.densities.circular_mixture import CircularMixture

_RADIUS = 4 / math.sqrt(2)
_NOISE = 0.5 / math.sqrt(2)


def eight_gaussians(*, radius=_RADIUS, noise=_NOISE):
    """A `ToyDensity`: eight round Gaussians, each as likely, evenly spaced on a circle.

        p(x) = 1/8 sum_k N(x; radius (cos 2 pi k / 8, sin 2 pi k / 8), noise^2 I)

    The defaults, 2.83 and 0.354, are FFJORD's (Grathwohl et al., 2019, toy_data.py): radius 4 and deviation 1/2, both
    divided by the square root of two. Entropy by a lattice sum.

    Args:
      radius: of the circle the centres lie on, positive.
      noise: standard deviation of each Gaussian, positive.
    """
    check_positive(radius=radius, noise=noise)
    options = {"radius": float(radius), "noise": float(noise)}
    return CircularMixture("eight_gaussians", arms=8, radius=radius, along=noise, across=noise, options=options)
