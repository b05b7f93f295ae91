"""Whether linear layers can be inverted in floating point."""

import numpy as np

from tfflows.bijectors import InvertibleConv, LULinear
from tfflows.evaluation.examination.finding import error

SINGULAR = "singular kernel"
_LARGEST = 1e6  # of a condition number: float32 then keeps a digit


def examine(layer):
    """Asked before a layer is evaluated, which may refuse."""
    if isinstance(layer.core, (InvertibleConv, LULinear)):
        yield from _of_matrix(layer, layer.core.matrix)


def examine_jacobians(layer, jacobians):
    """Of a native linear layer: its Jacobians `[k, D, D]` are all the same and mix entries."""
    if "condition" in layer.measured or len(jacobians) < 2 or not np.array_equal(jacobians[0], jacobians[1]):
        return
    if (np.count_nonzero(jacobians[0], axis=1) > 1).any():
        yield from _of_matrix(layer, jacobians[0])


def _of_matrix(layer, matrix):
    if not np.isfinite(matrix).all():
        condition = np.inf
    else:
        values = np.linalg.svd(matrix, compute_uv=False)
        condition = float(values[0] / values[-1]) if values[-1] > 0 else np.inf
    layer.measured["condition"] = condition
    if not condition < _LARGEST:
        found = f"a condition number of {condition:.2g}"
        yield error(SINGULAR, layer.name, f"an invertible matrix, of a condition number below {_LARGEST:.0e}", found)
