"""Whether log-dets are in the precision of the events."""

import numpy as np
import tensorflow as tf

from tfflows.evaluation.examination.finding import error

HALF_LOG_DET = "half-precision log-det"
HALVES = tf.float16, tf.bfloat16
_FEWEST = 4  # different values, all of which float16 has, are no chance: of float32 it has one in 8192


def examine(layer):
    expected = f"log-dets in {layer.x.dtype.name}, as the events are"
    if layer.log_det.dtype != layer.x.dtype:
        yield error(HALF_LOG_DET, layer.name, expected, f"log-dets of dtype {layer.log_det.dtype.name}")
        return
    values = np.unique(layer.log_det)
    if len(values[values != 0]) >= _FEWEST and (half := rounded_to(values)):
        found = f"{len(values)} different values, each of which {half} has"
        yield error(HALF_LOG_DET, layer.name, expected, f"{found}: they were computed in it")


def rounded_to(values):
    """The name of a half-precision dtype that has all of these values, not all of them whole; else `None`."""
    values = np.asarray(values, np.float64)
    if (values == np.round(values)).all():
        return None
    for half in HALVES:
        with np.errstate(over="ignore"):
            if (values.astype(half.as_numpy_dtype).astype(np.float64) == values).all():
                return half.name
    return None
