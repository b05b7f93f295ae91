"""One warning of a flow that is given data in raw units, or trained, before it was adapted to any."""

import warnings

import numpy as np
import tensorflow as tf

from tfflows.fitting import calls
from tfflows.joint import answers
from tfflows.ops import standardization

_FEWEST_ROWS, _MOST_ROWS = 20, 1000  # that say something of a unit, and that are looked at
_FAR = 10.0  # as a location or scale: not in units of a standard normal


def warn(flow, x, context):
    """Warns, once, of a flow that was never adapted where it matters; asked where a log-probability is.

    It matters where data, seen eagerly, are in other units than networks expect, and where a gradient tape records in
    a function, or of integers, as then someone trains. `fit` and its like adapt; and a flow may have no data: a learned
    prior, or one that is fitted to a density (`wants_data`).

    Args:
      flow: `FlowModel`.
      x: events, a `Tensor`.
      context: `Tensor` or `None`.
    """
    if not flow.wants_data or calls.under_way() or tf.distribute.has_strategy():
        return
    judged = tf.executing_eagerly() and flow.dequantization is None
    if not judged and not answers.taped():
        return
    with tf.init_scope():
        adapted = flow.adapted
    why = "and is trained" if not judged or adapted else _far(x, "data") or _far(context, "contexts")
    flow.wants_data = not why  # asked no more
    if why and not adapted:
        warnings.warn(
            f"{flow.name} was never adapted, {why}. `fit` adapts a flow to its data; elsewhere call `adapt` first",
            stacklevel=4,
        )


def _far(values, what):
    """What is said of values `[..., C]` that are far from standard ones; nothing of others, or of few."""
    if values is None or not values.dtype.is_floating or values.shape.rank < 2 or not values.shape[-1]:
        return ""
    rows = values.numpy().reshape(-1, values.shape[-1])[:_MOST_ROWS]
    if len(rows) < _FEWEST_ROWS or not np.isfinite(rows).all():
        return ""
    location, scale, varies = standardization.location_and_scale(rows)
    for i in np.flatnonzero(varies & ((np.abs(location) > _FAR) | (scale > _FAR) | (scale < 1 / _FAR))):
        return f"and takes {what} as they come: column {i} is {location[i]:.3g} with a deviation of {scale[i]:.3g}"
    return ""
