"""Whether the log-dets of a layer are those of its Jacobian."""

import math

import numpy as np

from tfflows.evaluation.examination import dtypes, jacobian
from tfflows.evaluation.examination.finding import error
from tfflows.evaluation.examination.walk import copied

WRONG, WRONG_SIGN = "wrong log-det", "wrong log-det sign"
_EXAMPLES = 3
_EXACT, _ROUGH = 1e-3, 1e-2  # relative, in float64 and elsewhere
_HALF_DIGITS = 2e-2  # relative: no more is lost to half precision


def examine(layer):
    """The inverse log-det against automatic differentiation; the forward one is to be minus it."""
    y, context = layer.first(_EXAMPLES)
    sizes = [math.prod(each.shape[1:]) for each in (y, layer.x)]
    if len(set(sizes)) > 1 or not sizes[0]:  # on a surface, or nothing
        return
    large = sizes[0] > jacobian.EXACT
    if large:
        y, context = y[:1], None if context is None else context[:1]
    x, claimed, _ = layer.inverse(y, context)
    claimed = np.asarray(claimed, np.float64)
    function = lambda y: layer.inverse(y, copied(context, len(y)))[0]  # noqa: E731
    if large:
        estimate, spread = jacobian.log_det_by_quadrature(function, y)
        expected, how = np.array([estimate]), f"quadrature, ± {spread:.2g}"
        slack = _ROUGH * _size(expected) + 5 * spread
    else:
        expected, how = np.linalg.slogdet(jacobian.exact(function, y))[1], "automatic differentiation"
        slack = (_EXACT if layer.exact else _ROUGH) * _size(expected)
        if half := _half(claimed, expected):
            yield error(dtypes.HALF_LOG_DET, layer.name, f"{expected[0]:.6g}", f"{claimed[0]:.6g}, a number of {half}")
            return
        layer.measured["log_det_error"] = float(np.max(np.abs(claimed - expected)))
    found = [*_compared(layer, claimed, expected, slack, f"an inverse log-det ({layer.dtype.name}, {how})")]
    if not found:
        forward = np.asarray(layer.forward(x, context)[1], np.float64)
        slack = _ROUGH * _size(claimed)
        found = _compared(layer, forward, -claimed, slack, "minus the inverse log-det as the forward one")
    yield from found


def _size(log_dets):
    """That their digits count from; of one of a singular matrix 1."""
    return np.where(np.isfinite(log_dets), np.maximum(1, np.abs(log_dets)), 1)


def _compared(layer, claimed, expected, slack, what):
    bad = ~(np.abs(claimed - expected) <= slack)
    if bad.any():
        i = int(bad.argmax())
        flipped = np.abs(claimed + expected) <= slack
        name = WRONG_SIGN if flipped[bad].all() else WRONG
        yield error(name, layer.name, f"{what}: {expected[i]:.6g}", f"{claimed[i]:.6g}")


def _half(claimed, expected):
    """The half-precision dtype that log-dets were rounded to: they are near the true ones, and all in it."""
    off, size = np.abs(claimed - expected), _size(expected)
    rounded = (off <= _HALF_DIGITS * size).all() and (off > 1e-5 * size).any()
    return dtypes.rounded_to(claimed) if rounded else None
