"""Whether a layer's two directions are inverses of each other."""

import numpy as np

from tfflows.evaluation.examination.finding import error, warning
from tfflows.evaluation.examination.walk import REFUSALS

NOT_INVERSE, DIGITS_LOST = "not an inverse", "digits lost"
_EXAMPLES = 64
_EXACT, _ROUGH, _LOST = 1e-4, 1e-3, 3e-2  # relative to an entry and the deviation of all: a network may be in float32


def examine(layer):
    """`forward(inverse(y))` against `y`, in float64 where it can, and as it is."""
    y, context = layer.first(_EXAMPLES)
    try:
        error_as_it_is = _worst(layer, layer.y[:_EXAMPLES], context)
        exactly = _worst(layer, y, context) if layer.exact else error_as_it_is
    except REFUSALS as reason:
        reason = " ".join(str(reason).split())[:200]
        yield error(NOT_INVERSE, layer.name, "a forward direction of the latents", f"{type(reason).__name__}: {reason}")
        return
    layer.measured["round_trip_error"] = error_as_it_is
    if not exactly <= (_EXACT if layer.exact else _ROUGH):
        how = f"off by {exactly:.2g} of an entry and the deviation of all, in {layer.dtype.name}"
        yield error(NOT_INVERSE, layer.name, "forward(inverse(y)) = y", how)
    elif not error_as_it_is <= _LOST:
        found = f"off by {error_as_it_is:.2g} in {layer.y.dtype.name}, and by {exactly:.2g} in float64"
        yield warning(DIGITS_LOST, layer.name, "forward(inverse(y)) = y", found)


def _worst(layer, y, context):
    x, _, _ = layer.inverse(y, context)
    back, y = np.asarray(layer.forward(x, context)[0], np.float64), np.asarray(y, np.float64)
    with np.errstate(invalid="ignore"):
        worst = np.max(np.abs(back - y) / (np.std(y) + np.abs(y) + np.finfo(np.float32).tiny))
    return float(worst) if np.isfinite(worst) else np.inf
