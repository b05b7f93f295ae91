"""A run, which the stations of a command hand on: options, run, data, model, training, report."""

import dataclasses
import hashlib
import math
import pathlib
import platform

from tfflows.cli import run_folder, settings
from tfflows.version import __version__

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")
_SPLITS = ("train", "validation", "test")


@dataclasses.dataclass
class Run:
    """A run that starts, goes on, or is finished.

    Attributes:
      folder: `pathlib.Path`, the run folder.
      settings: dict, as in config.json.
      saved: dict, the config.json that is in the folder already, `None` of a new run.
      overwrite: bool, whether a run in the folder is replaced.
      data: `tfflows.datasets.Dataset` or `ImageStream`, once the data were read.
      flow: `FlowModel`, once it was built or loaded.
    """

    folder: pathlib.Path
    settings: dict
    saved: dict | None = None
    overwrite: bool = False
    data: object = None
    flow: object = None

    @classmethod
    def start(cls, args):
        """A run with the settings that parsed options ask for, new or continued; nothing is written."""
        wanted = settings.of(args)
        folder = args.output or run_folder.default(wanted["model"], wanted["data"])
        if not args.resume:
            settings.check(wanted, args.given)
            run_folder.check_free(folder, overwrite=args.overwrite)
            return cls(folder, wanted, overwrite=args.overwrite)
        saved = run_folder.read_config(folder)
        known = saved["settings"]
        differ = [name for name in wanted if name in args.given and wanted[name] != known.get(name)]
        listed = "; ".join(f"{name}: {known.get(name)!r} in config.json, {wanted[name]!r} asked for" for name in differ)
        if differ:
            raise ValueError(
                f"--resume continues {folder} with the settings it was started with; leave the others out, or train in "
                f"another --output. Received: {listed}"
            )
        settings.data_name(known["data"])  # which may be gone
        return cls(folder, {**wanted, **known}, saved)  # a run of before knows fewer

    @classmethod
    def open(cls, folder):
        """A finished run."""
        saved = run_folder.read_config(folder)
        if not (folder / run_folder.MODEL).exists():
            raise FileNotFoundError(
                f"The run in {folder} is not finished, it has no {run_folder.MODEL}. Finish it with: "
                f"tfflows train --resume --output {folder}"
            )
        return cls(folder, saved["settings"], saved)

    def begin(self):
        """Makes the folder, once data and flow are known to fit, or refuses to continue on other data."""
        now = _config(self)
        if self.saved is None:
            return run_folder.create(self.folder, now, overwrite=self.overwrite)
        known = self.saved["data"]  # of a run of before without some of the names
        differ = [name for name, value in now["data"].items() if value != known.get(name, value)]
        if differ:
            wanted = f"--resume needs the data {self.folder} was started on"
            raise ValueError(f"{wanted}. Received: data that differ in {', '.join(differ)}")

    @property
    def steps_per_epoch(self):
        """How many batches the training data make."""
        return math.ceil(self.data.num_examples("train") / self.settings["batch_size"])


def _config(run):
    """What config.json holds of a run with data and flow: its settings, what its data were, the versions that ran."""
    data, conditional = run.data, run.flow.conditional
    context = getattr(data, "context_train", None) if conditional else None  # a stream's is not in memory
    labels = conditional and data.num_classes is not None
    counted = labels and context is not None
    known = {
        "name": data.name,
        "event_shape": list(data.event_shape),
        "columns": None if data.columns is None else list(data.columns),
        "table": dataclasses.asdict(data.table) if getattr(data, "table", None) else None,
        "discrete_levels": data.discrete_levels,
        **{f"num_{split}": data.num_examples(split) for split in _SPLITS},
        "conditional": conditional,
        "class_names": list(map(str, data.class_names or range(data.num_classes))) if labels else None,
        "class_counts": [int((context == k).sum()) for k in range(data.num_classes)] if counted else None,
        "context_size": context.shape[-1] if conditional and not labels else None,
        "sha256": _digest(data),
    }
    versions = {"python": platform.python_version(), "tfflows": __version__}
    versions |= {package: _version(package) for package in _PACKAGES}
    return {"settings": run.settings, "data": known, "versions": versions}


def _digest(data):
    """Of all examples; `None` of images that are not in memory."""
    if not hasattr(data, "examples"):
        return None
    digest = hashlib.sha256()
    for array in (part for split in _SPLITS for part in (data.examples(split), data.context(split))):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _version(package):
    import importlib.metadata  # slow for a command that only parses

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu
        return None
