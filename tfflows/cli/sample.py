"""Draw samples from a trained run into a .csv, .parquet or .npy file, images also into a .png picture of them all.
Samples of discrete data are whole numbers; those of a file of one's own have its columns and dtypes."""

import importlib.util
import pathlib

from tfflows.cli import defaults, quiet
from tfflows.cli.defaults import Rule
from tfflows.cli.options import NUMBER, ON, POSITIVE, SEED, Option, checked_file, path
from tfflows.cli.run import Run

SUMMARY = "samples of a run as .csv, .parquet, .npy or .png"
_CONTEXT = Rule("classes as frequent as in training; numbers must be given")
_OUT = Rule("RUN/samples.csv, of images or an array .npy, of .parquet the same")
_VALUE = "what to condition on: a class's name, or numbers and text between commas, quoted as in a .csv"
OPTIONS = {
    "": [
        Option("num_samples", "how many", defaults.IN_A_PICTURE, NUMBER, short=("-n",)),
        Option("seed", "the same seed gives the same samples", 0, SEED),
        Option("temperature", "scale of the latent distribution; below 1 samples are more typical", 1.0, POSITIVE),
        Option("context_value", _VALUE, _CONTEXT, {"metavar": "C"}),
        Option("out", "a .csv, .parquet, .npy or .png file", _OUT, path("FILE")),
        Option("overwrite", "replace the file if it exists", False, ON),
    ]
}


def execute(args):
    """Samples; returns the exit code."""
    run = Run.open(args.folder)
    known = run.saved["data"]
    path = _file(args, run, images=len(known["event_shape"]) == 3)
    count = args.num_samples or (defaults.NUM_IN_A_PICTURE if path.suffix.lower() == ".png" else defaults.NUM_SAMPLES)

    from tfflows.cli import samples

    context = samples.contexts(args.context_value, known, count, args.seed)

    quiet.load()
    from tfflows.cli import model

    model.load(run)
    samples.write(path, run.flow, known, count, context=context, seed=args.seed, temperature=args.temperature)
    print(f"{count:,} samples: {path}")
    return 0


def _file(args, run, *, images):
    kinds = (".csv", ".npy", ".png") if images else (".csv", ".npy", ".parquet")
    source = pathlib.Path(run.settings["data"]).suffix.lower()
    kind = ".npy" if images or source in (".npy", ".npz") else ".parquet" if source == ".parquet" else ".csv"
    path = checked_file(args.out or args.folder / f"samples{kind}", kinds, overwrite=args.overwrite)
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError(f"Writing .parquet needs: pip install pyarrow. Received: {path}")
    return path
