"""Euler's method, of order 1."""

from tfflows.solvers.fixed import FixedSteps
from tfflows.solvers.tableau import Tableau


class Euler(FixedSteps):
    """Euler's method, of order 1, in `num_steps` equal steps.

    References:
      Euler. Institutionum calculi integralis, 1768, section 650.
    """

    tableau = Tableau(a=(), b=(1.0,), c=(0.0,), order=1)
