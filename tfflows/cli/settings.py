"""What a run depends on: collected from the options, kept in config.json, compared on `--resume`."""

import hashlib
import importlib.metadata
import pathlib
import platform

from tfflows.cli import registry
from tfflows.cli.train import FILE_OPTIONS, IMAGES, IMPORTANCE_DRAWS, MOST_EPOCHS, SMALL_IMAGES, SMALL_SIDE, VECTORS

_NOT_SETTINGS = ("command", "run", "debug", "output", "resume", "overwrite")
_FILES = (".csv", ".parquet", ".npy", ".npz")
_PACKAGES = ("tfflows", "tensorflow", "keras", "tensorflow-probability", "numpy")


def of(args):
    """The settings that parsed options ask for, as a dict that is the same after a trip through JSON.

    Raises:
      ValueError: an unknown model, or options that only files take, given with named data.
    """
    settings = {name: value for name, value in vars(args).items() if name not in _NOT_SETTINGS}
    settings["model"] = registry.check(settings["model"])
    settings["data"] = data_name(settings["data"])
    if not is_path(settings["data"]):
        wrong = [name for name in FILE_OPTIONS if settings[name] != (True if name == "header" else None)]
        if wrong:
            raise ValueError(
                f"Only data from a file takes {', '.join('--' + name for name in wrong)}. "
                f"Received: --data {settings['data']}"
            )
    return settings


def is_path(data):
    """Whether a `--data` value is the path of a file or a folder rather than the name of a data set."""
    from tfflows import datasets

    name = data.replace("-", "_").replace("/", "_").lower()  # TensorFlow Datasets writes lsun/tower
    if name in datasets.names():
        return False
    return "/" in data or "\\" in data or data.lower().endswith(_FILES) or pathlib.Path(data).is_dir()


def data_name(data):
    """One spelling for each data set: an absolute path, or a name with hyphens."""
    return str(pathlib.Path(data).resolve()) if is_path(data) else data.replace("_", "-").replace("/", "-").lower()


def merged(saved, wanted, given, folder):
    """The settings of a run to continue: the saved ones, which those given on the command line must not contradict.

    Raises:
      ValueError: naming every setting that differs.
    """
    differ = [name for name in wanted if name in given and wanted[name] != saved.get(name)]
    if differ:
        listed = "; ".join(f"{name}: {saved.get(name)!r} in config.json, {wanted[name]!r} asked for" for name in differ)
        raise ValueError(
            f"--resume continues {folder} with the settings it was started with; leave the others out, or train in "
            f"another --output. Received: {listed}"
        )
    return saved


def completed(settings, dataset):
    """The settings with all that depends on the model and on the data decided.

    Raises:
      ValueError: as `registry.completed`.
    """
    settings = registry.completed(settings, dataset)
    images = dataset.image_shape is not None
    defaults = VECTORS if not images else SMALL_IMAGES if max(dataset.image_shape[:2]) <= SMALL_SIDE else IMAGES
    filled = {name: value for name, value in defaults.items() if settings.get(name) is None}
    settings = {**settings, **filled, "images": images}
    steps = settings.pop("steps")
    if settings["epochs"] is None:
        per_epoch = -(-dataset.num_examples("train") // settings["batch_size"])
        settings["epochs"] = min(MOST_EPOCHS, -(-steps // per_epoch))
    if images and settings["grids_every"] is None:
        settings["grids_every"] = max(1, settings["epochs"] // 10)
    if images and settings["importance_draws"] is None and settings["dequantization"] == "variational":
        settings["importance_draws"] = IMPORTANCE_DRAWS
    return settings


def config(settings, dataset, *, conditional):
    """What config.json holds: the settings, what the data was, and the versions that ran."""
    context = getattr(dataset, "context_train", None) if conditional else None  # a stream's is not in memory
    labels = conditional and dataset.num_classes is not None
    counted = labels and context is not None
    return {
        "settings": settings,
        "data": {
            "name": dataset.name,
            "event_shape": list(dataset.event_shape),
            "columns": None if dataset.columns is None else list(dataset.columns),
            "discrete_levels": dataset.discrete_levels,
            "num_train": dataset.num_examples("train"),
            "num_validation": dataset.num_examples("validation"),
            "num_test": dataset.num_examples("test"),
            "conditional": conditional,
            "class_names": list(map(str, dataset.class_names or range(dataset.num_classes))) if labels else None,
            "class_counts": [int((context == k).sum()) for k in range(dataset.num_classes)] if counted else None,
            "context_size": context.shape[-1] if conditional and not labels else None,
            "sha256": _digest(dataset),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def check_same_data(saved, now, folder):
    """Refuses to continue a run on other data than it was started on.

    Raises:
      ValueError: naming what differs.
    """
    differ = [name for name, value in now["data"].items() if value != saved["data"].get(name)]
    if differ:
        raise ValueError(
            f"--resume needs the data {folder} was started on. Received: data that differ in {', '.join(differ)}"
        )


def _digest(dataset):
    """Of all examples; `None` of images that are not in memory."""
    if not hasattr(dataset, "examples"):
        return None
    digest = hashlib.sha256()
    for split in ("train", "validation", "test"):
        for array in (dataset.examples(split), dataset.context(split)):
            digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu, or tfflows from a checkout
            found[package] = None
    if found["tfflows"] is None:
        from tfflows.version import __version__

        found["tfflows"] = __version__
    return found
