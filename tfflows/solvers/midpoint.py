"""The midpoint method, of order 2."""

from tfflows.solvers.fixed import FixedSteps
from tfflows.solvers.tableau import Tableau


class Midpoint(FixedSteps):
    """The midpoint method, of order 2, in `num_steps` equal steps.

    References:
      Runge. Über die numerische Auflösung von Differentialgleichungen. Mathematische Annalen 46, 1895.
    """

    tableau = Tableau(a=((0.5,),), b=(0.0, 1.0), c=(0.0, 0.5), order=2)
