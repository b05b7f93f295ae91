"""Whether linear layers can be inverted in floating point."""

import math

import numpy as np

from tfflows.bijectors import InvertibleConv, LULinear
from tfflows.evaluation.examination import jacobian
from tfflows.evaluation.examination.finding import error
from tfflows.evaluation.examination.walk import copied
from tfflows.joint import KerasBijector

SINGULAR = "singular kernel"
_LARGEST = 1e6  # of a condition number: float32 then keeps a digit


def examine(layer):
    """Asked before a layer is evaluated, which may refuse."""
    if isinstance(layer.core, (InvertibleConv, LULinear)):
        yield from _of_matrix(layer, layer.core.matrix)


def examine_native(layer):
    """Of a native layer with a constant Jacobian, which is that matrix where it mixes entries."""
    y, context = layer.first(1)
    size = math.prod(y.shape[1:])
    if isinstance(layer.core, KerasBijector) or not layer.core.is_constant_jacobian or size > jacobian.EXACT:
        return
    matrix = jacobian.exact(lambda y: layer.inverse(y, copied(context, len(y)))[0], y)[0]
    if matrix.shape == (size, size) and (np.count_nonzero(matrix, axis=1) > 1).any():
        yield from _of_matrix(layer, matrix)


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
