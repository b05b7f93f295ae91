"""A pinwheel: Gaussian arms, twisted."""

from tfflows.arguments import check_integer, check_number, check_positive
from tfflows.datasets.densities.circular_mixture import CircularMixture


def pinwheel(*, arms=5, radial_noise=0.3, tangential_noise=0.1, twist=0.7):
    """A `ToyDensity`: Gaussian arms around a circle, twisted by an angle that grows with the radius.

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
    """
    check_positive(radial_noise=radial_noise, tangential_noise=tangential_noise)
    check_integer(arms=arms)
    check_number(twist=twist)
    geometry = {"arms": arms, "radius": 1.0, "along": radial_noise, "across": tangential_noise, "twist": twist}
    options = {"arms": arms, "radial_noise": radial_noise, "tangential_noise": tangential_noise, "twist": twist}
    return CircularMixture("pinwheel", **geometry, magnification=2.0, options=options)
