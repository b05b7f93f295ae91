"""Dormand's and Prince's method, of order 5 with an embedded one of order 4."""

from tfflows.solvers.adaptive import Adaptive
from tfflows.solvers.tableau import Tableau

_B = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_B_OF_ORDER_4 = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)


class DormandPrince(Adaptive):
    """Dormand's and Prince's method of order 5(4): six evaluations a step.

    References:
      Dormand, Prince. A family of embedded Runge-Kutta formulae. Journal of Computational and Applied Mathematics 6,
      1980, table 2.
    """

    tableau = Tableau(
        a=(
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
            _B,
        ),
        b=(*_B, 0.0),
        c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
        order=5,
        error=tuple(high - low for high, low in zip((*_B, 0.0), _B_OF_ORDER_4, strict=True)),
    )
