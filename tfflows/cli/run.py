"""A run, which the stations of a command hand on: options, run, data, model, training, report."""

import dataclasses
import math
import pathlib

from tfflows.cli import config, run_folder, settings


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
        """A run with the settings that parsed options ask for, new or continued; nothing is written.

        Raises:
          ValueError: options that do not fit each other, or the run to continue.
          OSError: a folder that is in use, or no run to continue.
        """
        wanted = settings.of(args)
        folder = args.output or pathlib.Path("runs") / f"{wanted['model']}-{pathlib.Path(wanted['data']).stem}"
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
        return cls(folder, known, saved)

    @classmethod
    def open(cls, folder):
        """A finished run.

        Raises:
          OSError: no such run, or one that is not finished.
          ValueError: a config.json that tfflows did not write.
        """
        saved = run_folder.read_config(folder)
        if not (folder / run_folder.MODEL).exists():
            raise FileNotFoundError(
                f"The run in {folder} is not finished, it has no {run_folder.MODEL}. Finish it with: "
                f"tfflows train --resume --output {folder}"
            )
        return cls(folder, saved["settings"], saved)

    def begin(self):
        """Makes the folder, once data and flow are known to fit, or refuses to continue on other data.

        Raises:
          ValueError: naming what differs.
        """
        now = config.of(self)
        if self.saved is None:
            run_folder.create(self.folder, now, overwrite=self.overwrite)
            return
        differ = [name for name, value in now["data"].items() if value != self.saved["data"].get(name)]
        if differ:
            wanted = f"--resume needs the data {self.folder} was started on"
            raise ValueError(f"{wanted}. Received: data that differ in {', '.join(differ)}")

    @property
    def steps_per_epoch(self):
        """How many batches the training data make."""
        return math.ceil(self.data.num_examples("train") / self.settings["batch_size"])
