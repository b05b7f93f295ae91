"""What config.json holds: the settings of a run, what its data were, and the versions that ran."""

import hashlib
import platform

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")
_SPLITS = ("train", "validation", "test")


def of(run):
    """The content of config.json, of a `Run` with data and flow."""
    data, conditional = run.data, run.flow.conditional
    context = getattr(data, "context_train", None) if conditional else None  # a stream's is not in memory
    labels = conditional and data.num_classes is not None
    counted = labels and context is not None
    known = {
        "name": data.name,
        "event_shape": list(data.event_shape),
        "columns": None if data.columns is None else list(data.columns),
        "discrete_levels": data.discrete_levels,
        **{f"num_{split}": data.num_examples(split) for split in _SPLITS},
        "conditional": conditional,
        "class_names": list(map(str, data.class_names or range(data.num_classes))) if labels else None,
        "class_counts": [int((context == k).sum()) for k in range(data.num_classes)] if counted else None,
        "context_size": context.shape[-1] if conditional and not labels else None,
        "sha256": _digest(data),
    }
    return {"settings": run.settings, "data": known, "versions": _versions()}


def _digest(data):
    """Of all examples; `None` of images that are not in memory."""
    if not hasattr(data, "examples"):
        return None
    digest = hashlib.sha256()
    for array in (part for split in _SPLITS for part in (data.examples(split), data.context(split))):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _versions():
    import importlib.metadata

    from tfflows.version import __version__

    found = {"python": platform.python_version(), "tfflows": __version__}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu
            found[package] = None
    return found
