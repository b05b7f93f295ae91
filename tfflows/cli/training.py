"""The training of a run: what is fed, what is kept."""

import sys

import keras
import numpy as np
import tensorflow as tf

from tfflows import callbacks
from tfflows.cli import data, run_folder
from tfflows.datasets import batching


def train(run):
    """Trains from where the run stands to its end, and keeps the weights of the best epoch.

    Returns:
      dict: `epochs`, `best_epoch` (from 1), `steps`, `train_seconds`, `steps_per_second`.
    """
    best = keras.callbacks.EarlyStopping(patience=run.settings["patience"], restore_best_weights=True)
    state = callbacks.TrainingState(run.folder / run_folder.STATE, best)
    done = state.restore(run.flow)
    _keep_epochs(run.folder / run_folder.LOG, done)
    batches, feeding = _batches(run, done)
    log = keras.callbacks.CSVLogger(run.folder / run_folder.LOG, append=True)
    log_dir = run.folder / run_folder.TENSORBOARD if run.settings.get("tensorboard") else None  # none: of before
    pictures = [_grids(run, log_dir)] if run.settings["images"] else []
    curves = [keras.callbacks.TensorBoard(log_dir, write_graph=False)] if log_dir else []
    run.flow.fit(
        batches,
        epochs=done if state.stopped else run.settings["epochs"],
        initial_epoch=done,
        validation_data=_validation(run),
        callbacks=[*feeding, log, best, *pictures, *curves, state],  # last what holds the decisions of the others
        verbose=1 if sys.stdout.isatty() else 2,
    )
    steps = state.epoch * run.steps_per_epoch
    return {
        "epochs": state.epoch,
        "best_epoch": best.best_epoch + 1,
        "steps": steps,
        "train_seconds": state.seconds,
        "steps_per_second": steps / state.seconds,
    }


def _batches(run, done):
    """What `fit` reads, and the callbacks that go with it.

    Arrays come in an order that depends on the epoch's number alone, so that a run that is continued sees the same.
    Images that are not in memory come in an order that depends on where the run was continued too.
    """
    flow, dataset, size, seed = run.flow, run.data, run.settings["batch_size"], run.settings["seed"]
    if not hasattr(dataset, "examples"):
        options = {"with_context": flow.conditional, "dequantize": False}
        return dataset.batches("train", batch_size=size, seed=seed + done, **options), []
    batches = callbacks.EpochBatches(
        dataset.examples("train"),
        dataset.context("train") if flow.conditional else None,
        batch_size=size,
        seed=seed,
        dequantize=dataset.discrete_levels is not None and flow.dequantization is None,
    )
    return batches.dataset(), [batches]


def _validation(run):
    if not run.data.num_examples("validation"):
        raise ValueError(f"Examples to validate with are needed. Received: {run.data.name} without")
    whole = data.whole(run, "validation")
    if isinstance(whole[0], tf.data.Dataset):
        return whole[0]
    return batching.in_order(tuple(part for part in whole if part is not None), 2048)


def _grids(run, log_dir):
    """Pictures of samples on the way: a column for each of the first classes, if there are any."""
    classes = min(run.flow.num_classes or 0, 10)
    return callbacks.SampleGrids(
        run.folder / run_folder.PROGRESS,
        every=run.settings["grids_every"],
        context=np.tile(np.arange(classes, dtype=np.int32), 4) if classes else None,
        num_images=40,
        columns=classes or 10,
        seed=run.settings["seed"],
        log_dir=log_dir,
    )


def read_log(folder):
    """Training and validation loss of each epoch, two arrays of nats per example."""
    log = np.atleast_1d(np.genfromtxt(folder / run_folder.LOG, delimiter=",", names=True))
    return log["loss"], log["val_loss"]


def _keep_epochs(path, count):
    """Cuts a log down to the epochs that the state has: one may be logged when a kill comes before the state."""
    if path.exists():
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: count + 1] if count else []))
