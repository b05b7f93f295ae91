"""Whether a layer gives finite numbers, or any."""

import numpy as np

from tfflows.evaluation.examination.finding import error

NOT_FINITE, NO_ANSWER = "not finite", "no answer"


def examine(layer):
    if layer.refused:
        yield error(NO_ANSWER, layer.name, "latents and log-dets of the batch", layer.refused)
        return
    bad = ~(np.isfinite(layer.x).reshape(len(layer.x), -1).all(axis=1) & np.isfinite(layer.log_det))
    if bad.any():
        rest = "" if layer.y.shape[0] == bad.sum() else f", the first at index {int(bad.argmax())}"
        found = f"NaN or infinite ones of {int(bad.sum())} of {len(bad)} examples{rest}"
        yield error(NOT_FINITE, layer.name, "finite latents and log-dets of finite events", found)
