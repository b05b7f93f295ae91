"""Everything a run needs to go on as if it had never stopped, in one file that is always whole."""

import json
import os
import pathlib
import time
import zipfile

import keras
import numpy as np


class TrainingState(keras.callbacks.Callback):
    """Writes the state of training after each epoch, and restores it.

    The file holds the weights, the optimizer's variables (step count and loss scale included), the epoch, and the best
    weights so far of a `keras.callbacks.EarlyStopping(restore_best_weights=True)`. It is written beside and moved
    into place, so a kill at any moment leaves the state of this epoch or of the one before.

    `keras.callbacks.BackupAndRestore` writes weights and epoch one after the other, so a kill can part them, and
    forgets what was best and for how long; hence this one. Restored runs repeat only if the data of an epoch does not
    depend on those before it: see `EpochBatches`.

    Put it last among the callbacks: `fit(..., callbacks=[early_stopping, state], initial_epoch=state.restore(model))`.

    Args:
      path: file, its name ending in .npz.
      early_stopping: `keras.callbacks.EarlyStopping` of the same `fit`, or `None`.

    Attributes:
      epoch: int, epochs done.
      stopped: bool, whether training ended before its last epoch because it no longer improved.
      seconds: float, time spent in training, that of earlier processes included.
    """

    def __init__(self, path, early_stopping=None):
        super().__init__()
        self._path, self._early_stopping = pathlib.Path(path), early_stopping
        self._restored = self._started = None
        self.epoch, self.stopped, self.seconds = 0, False, 0.0

    def restore(self, model):
        """Gives a compiled and built `keras.Model` of the same architecture and optimizer the saved state.

        Returns the number of epochs done, the `initial_epoch` of `fit`: 0 when there is no file. A damaged file, or one
        of another model, is refused with a `ValueError`.
        """
        if not self._path.exists():
            return 0
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(str(arrays.pop("facts")))
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"A whole training state is needed. Received: {self._path}: {error}") from error
        variables = _variables(model)
        shapes = [list(variable.shape) for variable in variables]
        saved = [list(arrays[f"now_{i}"].shape) for i in range(len(arrays)) if f"now_{i}" in arrays]
        if saved != shapes:
            raise ValueError(
                f"The training state must be of the same model and optimizer: {len(shapes)} arrays. "
                f"Received: {self._path} with {len(saved)}, or some of other shapes"
            )
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"now_{i}"])
        best = [arrays[f"best_{i}"] for i in range(len(model.weights)) if f"best_{i}" in arrays]
        self._restored = {**facts["early_stopping"], "best_weights": best or None}
        self.epoch, self.stopped, self.seconds = facts["epoch"], facts["stopped"], facts["seconds"]
        return self.epoch

    def on_train_begin(self, logs=None):
        """Starts the clock; `EarlyStopping`, which has just forgotten everything, is told again."""
        self._started = time.perf_counter() - self.seconds
        if self._early_stopping is not None and self._restored is not None:
            vars(self._early_stopping).update(self._restored)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the state."""
        self.epoch, self.stopped = epoch + 1, bool(self.model.stop_training)
        self.seconds = time.perf_counter() - self._started
        facts = {"epoch": self.epoch, "stopped": self.stopped, "seconds": self.seconds, "early_stopping": {}}
        arrays = {f"now_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(_variables(self.model))}
        if self._early_stopping is not None:
            names = ("wait", "best_epoch", "stopped_epoch")
            facts["early_stopping"] = {name: int(getattr(self._early_stopping, name)) for name in names}
            best = self._early_stopping.best
            facts["early_stopping"]["best"] = None if best is None else float(best)
            arrays.update((f"best_{i}", array) for i, array in enumerate(self._early_stopping.best_weights or ()))
        beside = self._path.with_name(self._path.name + ".part")
        with open(beside, "wb") as file:
            np.savez(file, facts=np.array(json.dumps(facts)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)


def _variables(model):
    """All that training changes: weights, states of random generators, the optimizer's variables; not the metrics."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics] + list(model.optimizer.variables)
