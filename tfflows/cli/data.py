"""The data of a run."""

import dataclasses
import math
import pathlib

import numpy as np

from tfflows import datasets, evaluation
from tfflows.cli import defaults, settings

_MEMORY_BYTES = 2**30
_SPLITS = ("train", "validation", "test")


def load(run):
    """Reads the data that the settings name, and decides the settings that depend on them."""
    run.data = read(run.settings)
    run.settings = settings.completed(run.settings, run.data.event_shape, run.data.num_examples("train"))


def load_again(run, *, name=None, seed=None):
    """Reads the data of a finished run, whose flow is loaded, or others by name or path: columns and labels as then.

    All rows of a file and all images of a folder that are named here are test data. Data of another shape, without
    context, or with labels that the run did not see are refused.
    """
    known = run.saved["data"]
    other = {} if name is None else {"data": settings.data_name(name), "num_train": None}
    same = {"seed": seed, "columns": known["columns"]}
    wanted = {**run.settings, **other, **{option: value for option, value in same.items() if value is not None}}
    table = {"classes": (known.get("table") or {}).get("classes"), "dtype": run.flow.density_dtype}
    data = read(wanted, whole=name is not None, **table)
    levels = data.discrete_levels
    if list(data.event_shape) != known["event_shape"] or levels != known["discrete_levels"]:
        raise ValueError(
            f"Examples of shape {known['event_shape']} with {known['discrete_levels'] or 'no'} discrete levels are "
            f"needed. Received: {data.name} of shape {list(data.event_shape)} with {levels or 'no'} levels"
        )
    run.data = _same_context(data, known)


def read(wanted, *, whole=False, **table):
    """The data that settings name, in memory unless they are images that take more than a gigabyte.

    `whole` leaves all of a file or folder to test; `table` is what `from_file` takes of a run that is to judge.
    """
    fractions = {"fractions": None} if whole else {}
    name, seed, source = wanted["data"], wanted["seed"], settings.source_of(wanted["data"])
    if source == defaults.TABLE:
        others = {option: wanted[option] for option in ("labels", "header", "key")} | table
        return datasets.load(name, seed=seed, **settings.columns_of(wanted), **others, **fractions)
    if source == defaults.FOLDER:
        options = {"image_size": wanted["image_size"], "labelled": wanted["labels"]}
        options["on_error"] = "skip" if wanted["skip_bad_images"] else "raise"
        return datasets.load(pathlib.Path(name), seed=seed, **options, **fractions)
    if source == defaults.DIGITS:
        return datasets.digits(as_images=settings.events_of(wanted) == defaults.IMAGES, seed=seed)
    size = wanted["num_train"] or (defaults.NUM_TRAIN if source == defaults.TOY else None)
    return _in_memory(datasets.load(name, num_train=size, seed=seed))


def _in_memory(data):
    """Images that are read while they are used as arrays, if they are few enough."""
    if not isinstance(data, datasets.ImageStream):
        return data
    counts = [data.num_examples(split) for split in _SPLITS]
    small = sum(counts) * math.prod(data.image_shape) <= _MEMORY_BYTES
    return data.in_memory() if small and all(counts) else data


def has_context(data):
    """Whether examples come with labels or values to condition on."""
    return data.num_classes is not None or getattr(data, "context_train", None) is not None


def first(data, split, count, *, dequantize=False, seed=0):
    """The first `count` examples of a split and their context, arrays; the context `None` when there is none."""
    options = {"with_context": has_context(data), "shuffle": False, "dequantize": dequantize}
    batch = next(data.batches(split, batch_size=count, seed=seed, **options).as_numpy_iterator())
    return batch if has_context(data) else (batch, None)


def reals(run, split, count, *, seed):
    """The first examples of a split as the flow of a run takes them, with noise if it adds none, and its context."""
    if not run.data.num_examples(split):
        raise ValueError(f"Examples are needed. Received: {run.data.name}, whose {split} split has none")
    count = min(count, run.data.num_examples(split))
    x, context = first(run.data, split, count, dequantize=run.flow.dequantization is None, seed=seed)
    return x, context if run.flow.conditional else None


def whole(run, split):
    """A split as the flow takes it, its noise fixed if the flow adds none: arrays, or batches of a stream."""
    data, flow, seed = run.data, run.flow, run.settings["seed"]
    if flow.dequantization is None:
        return data.dequantized(split, seed=seed), data.context(split) if flow.conditional else None
    size = evaluation.default_batch_size(data.event_shape)
    options = {"with_context": flow.conditional, "shuffle": False, "dequantize": False}
    return (data.batches(split, batch_size=size, seed=seed, **options),)


def _same_context(data, known):
    if not known["conditional"]:
        return data
    if not has_context(data):
        raise ValueError(f"The flow is conditional and needs a context. Received: {data.name} without one")
    if known["class_names"] is None:
        return data
    names = list(map(str, data.class_names or []))
    strange = sorted(set(names) - set(known["class_names"]))
    if strange or not names:
        raise ValueError(f"Labels among {known['class_names']} are needed. Received: {strange or 'values'}")
    if names == known["class_names"]:
        return data
    if isinstance(data, datasets.ImageStream):
        raise ValueError(f"The classes {known['class_names']} are needed, all of them. Received: {names}")
    number = np.array([known["class_names"].index(name) for name in names], np.int32)
    contexts = {f"context_{split}": number[data.context(split)] for split in _SPLITS}
    return dataclasses.replace(
        data, **contexts, num_classes=len(known["class_names"]), class_names=tuple(known["class_names"])
    )
