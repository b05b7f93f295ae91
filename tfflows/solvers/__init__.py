"""Initial value problems of ordinary differential equations, each solver one compiled loop, with and without XLA."""

from tfflows.solvers.dormand_prince import DormandPrince
from tfflows.solvers.euler import Euler
from tfflows.solvers.midpoint import Midpoint
from tfflows.solvers.runge_kutta_4 import RungeKutta4
from tfflows.solvers.solution import Solution
from tfflows.solvers.tsitouras import Tsitouras

__all__ = ["DormandPrince", "Euler", "Midpoint", "RungeKutta4", "Solution", "Tsitouras"]
