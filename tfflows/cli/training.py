"""The training of a run: the optimizer, what is fed, what is kept."""

import csv
import sys

import keras
import tensorflow as tf

from tfflows import callbacks
from tfflows.cli import run_folder

_WARMUP_STEPS = 300  # of a learning rate that rises from 0; with it and clipping, benchmarks/known_densities.py


def prepare(flow, dataset, settings):
    """Compiles and adapts a built flow; nothing is written.

    Raises:
      ValueError: data that the flow refuses.
    """
    steps = settings["epochs"] * -(-len(dataset.train) // settings["batch_size"])
    warmup = min(_WARMUP_STEPS, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=settings["learning_rate"], warmup_steps=warmup
    )
    flow.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    events, context = _continuous(flow, dataset, "train", settings["seed"])
    flow.adapt(events, context)


def train(flow, dataset, settings, folder):
    """Trains from where the run stands to its end, and keeps the weights of the best epoch.

    Args:
      flow: compiled and adapted `FlowModel`.
      dataset: `tfflows.datasets.Dataset`.
      settings: dict.
      folder: the run folder.

    Returns:
      dict: `epochs`, `best_epoch` (from 1), `steps`, `train_seconds`, `steps_per_second`.
    """
    seed = settings["seed"]
    batches = callbacks.EpochBatches(
        dataset.examples("train"),
        dataset.context("train") if flow.conditional else None,
        batch_size=settings["batch_size"],
        seed=seed,
        dequantize=dataset.discrete_levels is not None,
    )
    validation = _continuous(flow, dataset, "validation", seed)
    validation = tuple(part for part in validation if part is not None)
    best = keras.callbacks.EarlyStopping(patience=settings["patience"], restore_best_weights=True)
    state = callbacks.TrainingState(folder / run_folder.STATE, best)
    done = state.restore(flow)
    _keep_epochs(folder / run_folder.LOG, done)
    log = keras.callbacks.CSVLogger(folder / run_folder.LOG, append=True)
    flow.fit(
        batches.dataset(),
        epochs=done if state.stopped else settings["epochs"],
        initial_epoch=done,
        validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(2048),
        callbacks=[batches, log, best, state],  # the state last: it holds what the others have decided
        verbose=1 if sys.stdout.isatty() else 2,
    )
    steps = state.epoch * batches.steps_per_epoch
    return {
        "epochs": state.epoch,
        "best_epoch": best.best_epoch + 1,
        "steps": steps,
        "train_seconds": state.seconds,
        "steps_per_second": steps / state.seconds,
    }


def read_log(folder):
    """Training and validation loss of each epoch, two lists of nats per example."""
    with open(folder / run_folder.LOG, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(row["loss"]) for row in rows], [float(row["val_loss"]) for row in rows]


def _continuous(flow, dataset, split, seed):
    return dataset.dequantized(split, seed=seed), dataset.context(split) if flow.conditional else None


def _keep_epochs(path, count):
    """Cuts a log down to the epochs that the state has: one may be logged when a kill comes before the state."""
    if not path.exists():
        return
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.readlines()
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.writelines(lines[: count + 1] if count else [])
