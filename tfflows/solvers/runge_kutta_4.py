"""The classical method, of order 4."""

from tfflows.solvers.fixed import FixedSteps
from tfflows.solvers.tableau import Tableau


class RungeKutta4(FixedSteps):
    """The classical method, of order 4, in `num_steps` equal steps.

    References:
      Kutta. Beitrag zur näherungsweisen Integration totaler Differentialgleichungen. 1901.
    """

    tableau = Tableau(
        a=((0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6), c=(0.0, 0.5, 0.5, 1.0), order=4
    )
