"""The training of a run: the optimizer, what is fed, what is kept."""

import csv
import sys

import keras
import numpy as np
import tensorflow as tf

from tfflows import callbacks, evaluation
from tfflows.cli import run_folder
from tfflows.datasets import batching

_WARMUP_STEPS = 300  # of a learning rate that rises from 0; with it and clipping, benchmarks/known_densities.py


def prepare(flow, dataset, settings):
    """Compiles and adapts a built flow; nothing is written.

    Raises:
      ValueError: data that the flow refuses.
    """
    steps = settings["epochs"] * _steps_per_epoch(dataset, settings)
    warmup = min(_WARMUP_STEPS, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=settings["learning_rate"], warmup_steps=warmup
    )
    flow.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    flow.adapt(*_whole(flow, dataset, "train", settings))


def train(flow, dataset, settings, folder):
    """Trains from where the run stands to its end, and keeps the weights of the best epoch.

    Args:
      flow: compiled and adapted `FlowModel`.
      dataset: `tfflows.datasets.Dataset` or `ImageStream`.
      settings: dict.
      folder: the run folder.

    Returns:
      dict: `epochs`, `best_epoch` (from 1), `steps`, `train_seconds`, `steps_per_second`.
    """
    best = keras.callbacks.EarlyStopping(patience=settings["patience"], restore_best_weights=True)
    state = callbacks.TrainingState(folder / run_folder.STATE, best)
    done = state.restore(flow)
    _keep_epochs(folder / run_folder.LOG, done)
    batches, feeding = _batches(flow, dataset, settings, done)
    log = keras.callbacks.CSVLogger(folder / run_folder.LOG, append=True)
    pictures = [] if dataset.image_shape is None else [_grids(flow, settings, folder)]
    flow.fit(
        batches,
        epochs=done if state.stopped else settings["epochs"],
        initial_epoch=done,
        validation_data=_validation(flow, dataset, settings),
        callbacks=[*feeding, log, best, *pictures, state],  # the state last: it holds what the others have decided
        verbose=1 if sys.stdout.isatty() else 2,
    )
    steps = state.epoch * _steps_per_epoch(dataset, settings)
    return {
        "epochs": state.epoch,
        "best_epoch": best.best_epoch + 1,
        "steps": steps,
        "train_seconds": state.seconds,
        "steps_per_second": steps / state.seconds,
    }


def _steps_per_epoch(dataset, settings):
    return -(-dataset.num_examples("train") // settings["batch_size"])


def _batches(flow, dataset, settings, done):
    """What `fit` reads, and the callbacks that go with it.

    Arrays come in an order that depends on the epoch's number alone, so that a run that is continued sees the same.
    Images that are not in memory come in an order that depends on where the run was continued too.
    """
    size, seed = settings["batch_size"], settings["seed"]
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


def _whole(flow, dataset, split, settings):
    """A split as the flow takes it, its noise fixed if the flow adds none: arrays, or batches of a stream."""
    if flow.dequantization is None:
        return dataset.dequantized(split, seed=settings["seed"]), dataset.context(split) if flow.conditional else None
    batches = dataset.batches(
        split,
        batch_size=evaluation.default_batch_size(dataset.event_shape),
        seed=settings["seed"],
        with_context=flow.conditional,
        shuffle=False,
        dequantize=False,
    )
    return (batches,)


def _validation(flow, dataset, settings):
    if not dataset.num_examples("validation"):
        raise ValueError(f"Examples to validate with are needed. Received: {dataset.name} without")
    whole = _whole(flow, dataset, "validation", settings)
    if isinstance(whole[0], tf.data.Dataset):
        return whole[0]
    return batching.in_order(tuple(part for part in whole if part is not None), 2048)


def _grids(flow, settings, folder):
    """Pictures of samples on the way: a column for each of the first classes, if there are any."""
    classes = min(flow.num_classes or 0, 10)
    return callbacks.SampleGrids(
        folder / run_folder.PROGRESS,
        every=settings["grids_every"],
        context=np.tile(np.arange(classes, dtype=np.int32), 4) if classes else None,
        num_images=40,
        columns=classes or 10,
        seed=settings["seed"],
    )


def read_log(folder):
    """Training and validation loss of each epoch, two lists of nats per example."""
    with open(folder / run_folder.LOG, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(row["loss"]) for row in rows], [float(row["val_loss"]) for row in rows]


def _keep_epochs(path, count):
    """Cuts a log down to the epochs that the state has: one may be logged when a kill comes before the state."""
    if not path.exists():
        return
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.readlines()
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.writelines(lines[: count + 1] if count else [])
