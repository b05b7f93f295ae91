"""The data of a run."""

import dataclasses

import numpy as np

from tfflows import datasets
from tfflows.cli import settings as run_settings
from tfflows.cli.train import FILE_OPTIONS

_NUM_TRAIN = 200_000  # of toy densities: 8 layers of 64 x 64 memorise some of 50,000


def load(settings):
    """The data set that the settings name.

    Args:
      settings: dict with `data`, `seed`, `num_train` and the options of files.

    Returns:
      `tfflows.datasets.Dataset`.

    Raises:
      ValueError: as `tfflows.datasets.load`.
    """
    name, seed = settings["data"], settings["seed"]
    if not run_settings.is_file(name):
        toy = name.replace("-", "_") in datasets.toy_names()
        size = settings["num_train"] or (_NUM_TRAIN if toy else None)
        return datasets.load(name, num_train=size, seed=seed)
    if settings["num_train"] is not None:
        raise ValueError(f"Only toy densities are drawn to size. Received: --num-train with --data {name}")
    options = {option: settings[option] for option in FILE_OPTIONS}
    if name.lower().endswith((".npy", ".npz")):
        options.update((each, _indices(options[each], each)) for each in ("columns", "context"))
    return datasets.load(name, seed=seed, **options)


def _indices(columns, option):
    if columns is None:
        return None
    try:
        return [int(column) for column in columns]
    except ValueError as error:
        raise ValueError(
            f"Columns of .npy and .npz files are chosen by index. Received: --{option} {','.join(columns)}"
        ) from error


def for_run(config, *, name=None, seed=None):
    """The data of a trained run, or other data read the same way: the same columns, labels numbered as in training.

    Args:
      config: a run's config.json.
      name: name or path of other data; `None` for the run's own.
      seed: of the data; `None` for the run's.

    Returns:
      `tfflows.datasets.Dataset`.

    Raises:
      ValueError: data of another shape or with other columns, without context, or with labels the run did not see.
    """
    known, settings = config["data"], dict(config["settings"])
    if seed is not None:
        settings["seed"] = seed
    if name is not None:
        settings.update(data=run_settings.data_name(name), num_train=None)
    if run_settings.is_file(settings["data"]):
        settings["columns"] = known["columns"]
    dataset = load(settings)
    levels = dataset.discrete_levels
    if list(dataset.event_shape) != known["event_shape"] or levels != known["discrete_levels"]:
        raise ValueError(
            f"Examples of shape {known['event_shape']} with {known['discrete_levels'] or 'no'} discrete levels are "
            f"needed. Received: {dataset.name} of shape {list(dataset.event_shape)} with {levels or 'no'} levels"
        )
    return _same_context(dataset, known)


def _same_context(dataset, known):
    if not known["conditional"]:
        return dataset
    if dataset.context_train is None:
        raise ValueError(f"The flow is conditional and needs a context. Received: {dataset.name} without one")
    if known["class_names"] is None:
        return dataset
    names = list(map(str, dataset.class_names or []))
    strange = sorted(set(names) - set(known["class_names"]))
    if strange or not names:
        raise ValueError(f"Labels among {known['class_names']} are needed. Received: {strange or 'values'}")
    number = np.array([known["class_names"].index(name) for name in names], np.int32)
    contexts = {f"context_{split}": number[dataset.context(split)] for split in ("train", "validation", "test")}
    return dataclasses.replace(
        dataset, **contexts, num_classes=len(known["class_names"]), class_names=tuple(known["class_names"])
    )
