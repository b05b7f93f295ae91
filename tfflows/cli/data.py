"""The data of a run."""

import dataclasses
import math
import pathlib

import numpy as np

from tfflows import datasets
from tfflows.cli import registry
from tfflows.cli import settings as run_settings
from tfflows.cli.train import FILE_OPTIONS

_NUM_TRAIN = 200_000  # of toy densities: 8 layers of 64 x 64 memorise some of 50,000
_MEMORY_BYTES = 2**30


def load(settings):
    """The data set that the settings name, in memory unless its images take more than a gigabyte.

    Args:
      settings: dict with `data`, `seed`, `num_train`, `model`, `images` and the options of files and folders.

    Returns:
      `tfflows.datasets.Dataset` or `ImageStream`.

    Raises:
      ValueError: as `tfflows.datasets.load`; options that this kind of data does not have.
    """
    dataset = _in_memory(_loaded(settings))
    if settings["images"] is not None and settings["images"] != (dataset.image_shape is not None):
        kind = "images" if dataset.image_shape else "no images"
        option = "--images" if settings["images"] else "--no-images"
        raise ValueError(f"{dataset.name} holds {kind} of shape {dataset.event_shape}. Received: {option}")
    return dataset


def _loaded(settings):
    name, seed = settings["data"], settings["seed"]
    is_path = run_settings.is_path(name)
    if is_path and pathlib.Path(name).is_dir():
        _refuse(settings, ("columns", "context", "key"), "a table")
        return datasets.load(
            pathlib.Path(name),
            seed=seed,
            image_size=settings["image_size"],
            labelled=settings["labels"],
            on_error="skip" if settings["skip_bad_images"] else "raise",
        )
    if settings["image_size"] is not None or settings["skip_bad_images"]:
        raise ValueError(f"Only a folder of images takes --image-size and --skip-bad-images. Received: --data {name}")
    if not is_path:
        key = name.replace("-", "_")
        images = registry.only_images(settings["model"]) if settings["images"] is None else settings["images"]
        options = {"as_images": images} if key == datasets.digits.__name__ else {}
        size = settings["num_train"] or (_NUM_TRAIN if key in datasets.toy_names() else None)
        return datasets.load(name, num_train=size, seed=seed, **options)
    if settings["num_train"] is not None:
        raise ValueError(
            f"Only toy densities and published sets are of any size. Received: --num-train with --data {name}"
        )
    options = {option: settings[option] for option in FILE_OPTIONS}
    if name.lower().endswith((".npy", ".npz")):
        options.update((each, _indices(options[each], each)) for each in ("columns", "context"))
    return datasets.load(name, seed=seed, **options)


def _in_memory(dataset):
    """Images that are read while they are used as arrays, if they are few enough."""
    if not isinstance(dataset, datasets.ImageStream):
        return dataset
    counts = [dataset.num_examples(split) for split in ("train", "validation", "test")]
    small = sum(counts) * math.prod(dataset.image_shape) <= _MEMORY_BYTES
    return dataset.in_memory() if small and all(counts) else dataset


def has_context(dataset):
    """Whether examples come with labels or values to condition on."""
    return dataset.num_classes is not None or getattr(dataset, "context_train", None) is not None


def first(dataset, split, count):
    """The first `count` examples of a split and their context, arrays; the context `None` when there is none."""
    batches = dataset.batches(
        split, batch_size=count, seed=0, with_context=has_context(dataset), shuffle=False, dequantize=False
    )
    batch = next(batches.as_numpy_iterator())
    return batch if has_context(dataset) else (batch, None)


def _refuse(settings, options, kind):
    wrong = [option for option in options if settings[option] is not None]
    if wrong:
        raise ValueError(
            f"Only {kind} takes {', '.join('--' + option for option in wrong)}. Received: --data {settings['data']}"
        )


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
      `tfflows.datasets.Dataset` or `ImageStream`.

    Raises:
      ValueError: data of another shape or with other columns, without context, or with labels the run did not see.
    """
    known, settings = config["data"], dict(config["settings"])
    if seed is not None:
        settings["seed"] = seed
    if name is not None:
        settings.update(data=run_settings.data_name(name), num_train=None)
    if known["columns"] is not None and run_settings.is_path(settings["data"]):
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
    if not has_context(dataset):
        raise ValueError(f"The flow is conditional and needs a context. Received: {dataset.name} without one")
    if known["class_names"] is None:
        return dataset
    names = list(map(str, dataset.class_names or []))
    strange = sorted(set(names) - set(known["class_names"]))
    if strange or not names:
        raise ValueError(f"Labels among {known['class_names']} are needed. Received: {strange or 'values'}")
    if names == known["class_names"]:
        return dataset
    if isinstance(dataset, datasets.ImageStream):
        raise ValueError(f"The classes {known['class_names']} are needed, all of them. Received: {names}")
    number = np.array([known["class_names"].index(name) for name in names], np.int32)
    contexts = {f"context_{split}": number[dataset.context(split)] for split in ("train", "validation", "test")}
    return dataclasses.replace(
        dataset, **contexts, num_classes=len(known["class_names"]), class_names=tuple(known["class_names"])
    )
