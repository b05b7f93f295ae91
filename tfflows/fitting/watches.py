"""What `fit` watches besides the callbacks it is given: a loss that XLA's dropped assertions let by, skipped steps."""

import math
import warnings

import keras
import numpy as np
import tensorflow as tf

from tfflows.fitting import step_checks
from tfflows.fitting.plan import XLA


def added(model, plan, callbacks):
    """Callbacks, as given to `fit`, and those watches that a model compiled so needs."""
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    watches = [LossIsFinite()] * (plan.compiler == XLA) + [SkippedSteps()] * scaled
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return [*keras.tree.flatten(callbacks or []), *watches] if watches else callbacks
    for watch in watches:
        watch.set_model(model)
        callbacks.append(watch)
    return callbacks


class LossIsFinite(keras.callbacks.Callback):
    """Stops training with the error of an assertion, as soon as Python sees a loss that is not finite."""

    async_safe = True  # no step waits for it

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(logs.get("loss", 0.0)):  # a step of one's own may give none
            raise tf.errors.InvalidArgumentError(None, None, step_checks.BAD_LOSS)


class SkippedSteps(keras.callbacks.Callback):
    """Warns in the end of steps that were skipped in float16, for which the optimizer counts no update.

    Of streams of unknown length, whose steps no one counts, from the scale: every skipped step halves it.
    """

    async_safe = True

    def on_train_begin(self, logs=None):
        self._updates, self._scale, self._steps = self._counted(), self._scale_now(), 0

    def on_epoch_begin(self, epoch, logs=None):
        self._last = -1

    def on_train_batch_end(self, batch, logs=None):
        self._last = max(self._last, batch)

    def on_epoch_end(self, epoch, logs=None):
        self._steps += min(self._last + 1, self.params["steps"] or 0)  # the last call may be of fewer steps than most

    def on_train_end(self, logs=None):
        updates, scale = self._counted() - self._updates, self._scale_now()
        skipped = self._steps - updates if self._steps else round(math.log2(self._scale / scale))
        if skipped > 0:
            warnings.warn(
                f"float16: {skipped:,} of {updates + skipped:,} steps were skipped because gradients overflowed; the "
                f"loss is scaled by {scale:.6g} now. More than a few cost training: start from a lower scale, "
                "compile(keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=...))",
                stacklevel=2,
            )

    def _counted(self):
        return int(self.model.optimizer.inner_optimizer._iterations.numpy())

    def _scale_now(self):
        return float(self.model.optimizer.dynamic_scale.numpy())
