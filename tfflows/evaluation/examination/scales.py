"""Whether the scales of a layer are of use: neither out of all proportion nor at their bound."""

import numpy as np
import tensorflow as tf

from tfflows.evaluation.examination import couplings
from tfflows.evaluation.examination.finding import error, warning
from tfflows.ops.elementwise import Affine, GatedAffine, Invert

EXPLODED, SATURATED = "exploded scale", "saturated scale"
_DECADES, _FURTHER = 3, 2  # from a deviation of 1, of which so many by this layer
_FLAT, _MOST = 0.02, 0.9  # the slope of a log-scale in what the network gives; the share of scales that are so flat


def examine(layer):
    yield from _exploded(layer)
    yield from _saturated(layer)


def _exploded(layer):
    """Deviations from example to example are about 1 in a flow but at the end of the data, which have their units."""
    before, after = _decades(layer.y), _decades(layer.x)
    if not (before.size and after.size):
        return
    i = int(np.argmax(np.abs(after)))
    layer.measured["deviation"] = float(10 ** after[i])
    if abs(after[i]) > _DECADES and abs(after[i]) > np.abs(before).max() + _FURTHER:
        found = f"an entry with a deviation of {10 ** after[i]:.2g}, of entries with {10 ** before.min():.2g} to "
        found += f"{10 ** before.max():.2g}"
        yield error(EXPLODED, layer.name, "latents whose deviations are about 1", found)


def _decades(values):
    """`log10` of the deviations of the entries that vary."""
    deviations = np.std(np.asarray(values, np.float64).reshape(len(values), -1), axis=0)
    return np.log10(deviations[deviations > 0])


def _saturated(layer):
    given = couplings.parameters(layer)
    kind = getattr(layer.core, "map", None)
    kind = kind.map if isinstance(kind, Invert) else kind
    if given is None or not isinstance(kind, (Affine, GatedAffine)):
        return
    _, raw = given
    with tf.GradientTape() as tape:
        tape.watch(raw)
        log_scale = kind.forward(tf.zeros_like(raw), tf.zeros_like(raw), raw)[1]
    slope = np.abs(tape.gradient(log_scale, raw, unconnected_gradients="zero"))
    share = float(np.mean(slope < _FLAT))
    layer.measured["saturated"] = share
    if share > _MOST:
        found = f"{share:.0%} of them at the bound, where the network has no say"
        yield warning(SATURATED, layer.name, "scales between their bounds", found)
