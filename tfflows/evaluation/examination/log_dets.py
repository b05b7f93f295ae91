"""Whether the log-dets of a layer are those of its Jacobian."""

import numpy as np
import tensorflow as tf

from tfflows.evaluation.examination import conditioning, dtypes, jacobian
from tfflows.evaluation.examination.finding import error
from tfflows.evaluation.examination.walk import REFUSALS

WRONG, WRONG_SIGN = "wrong log-det", "wrong log-det sign"
_EXAMPLES = 3
_HALF_DIGITS = 2e-2  # relative: no more is lost to half precision


def examine(layer):
    """The inverse log-det against automatic differentiation; the forward one is to be minus it."""
    y, context = layer.first(_EXAMPLES)
    sizes = [int(np.prod(each.shape[1:])) for each in (y, layer.x)]
    if len(set(sizes)) > 1 or not sizes[0]:  # on a surface, or nothing
        return
    try:
        x, claimed, _ = layer.inverse(y, context)
    except REFUSALS:
        return
    claimed = np.asarray(claimed, np.float64)
    function = lambda y: layer.inverse(y, _like(y, context))[0]  # noqa: E731
    slack = 1e-3 if layer.exact else 1e-2
    if sizes[0] <= jacobian.EXACT:
        jacobians = jacobian.exact(function, y)
        if found := list(conditioning.examine_jacobians(layer, jacobians)):
            yield from found
            return
        expected, how = np.linalg.slogdet(jacobians)[1], "automatic differentiation"
        slack = slack * np.maximum(1, np.abs(expected))
    else:
        one = None if context is None else context[:1]
        estimate, error_of_it = jacobian.log_det_by_quadrature(lambda y: layer.inverse(y, _like(y, one))[0], y[:1])
        expected, claimed, how = np.array([estimate]), claimed[:1], f"quadrature, ± {error_of_it:.2g}"
        slack = 1e-2 * max(1, abs(estimate)) + 5 * error_of_it
    layer.measured["log_det_error"] = float(np.max(np.abs(claimed - expected)))
    finding = _compared(layer, claimed, expected, slack, "inverse", f"{dtypes_of(layer)} {how}")
    if finding is None:
        _, forward, _ = layer.forward(tf.cast(x, layer.dtype), context)
        forward = np.asarray(forward, np.float64)[: len(claimed)]
        loose = 1e-2 * np.maximum(1, np.abs(claimed))
        finding = _compared(layer, forward, -claimed, loose, "forward", "minus the inverse log-det")
    if finding is not None:
        yield finding


def dtypes_of(layer):
    return layer.dtype.name


def _like(y, context):
    """The contexts of events of which there are copies, one after another."""
    return None if context is None else tf.repeat(context, len(y) // len(context), axis=0)


def _compared(layer, claimed, expected, slack, direction, how):
    off = np.abs(claimed - expected)
    nonzero = claimed[claimed != 0]
    small = off <= _HALF_DIGITS * np.maximum(1, np.abs(expected))
    if nonzero.size and (off > 1e-5 * np.maximum(1, np.abs(expected))).any() and small.all():
        if half := dtypes.rounded_to(nonzero):
            return error(dtypes.HALF_LOG_DET, layer.name, f"{expected[0]:.6g}", f"{claimed[0]:.6g}, a number of {half}")
    if not (bad := ~(off <= slack)).any():
        return None
    i = int(bad.argmax())
    flipped = np.abs(claimed + expected) <= slack
    name = WRONG_SIGN if flipped[bad].all() else WRONG
    return error(name, layer.name, f"a {direction} log-det of {expected[i]:.6g} ({how})", f"{claimed[i]:.6g}")
