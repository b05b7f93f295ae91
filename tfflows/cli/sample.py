"""Draw samples from a trained run into a .csv or .npy file, images also into a .png picture of them all. Samples of
discrete data are whole numbers."""

from tfflows.cli import defaults, quiet
from tfflows.cli.defaults import Rule
from tfflows.cli.options import NUMBER, ON, POSITIVE, SEED, Option, checked_file, path
from tfflows.cli.run import Run

SUMMARY = "samples of a run as .csv, .npy or .png"
_CONTEXT = Rule("classes as frequent as in training; numbers must be given")
_VALUE = "what to condition on: a class's name, or numbers between commas"
OPTIONS = {
    "": [
        Option("num_samples", "how many", defaults.IN_A_PICTURE, NUMBER, short=("-n",)),
        Option("seed", "the same seed gives the same samples", 0, SEED),
        Option("temperature", "scale of the latent distribution; below 1 samples are more typical", 1.0, POSITIVE),
        Option("context_value", _VALUE, _CONTEXT, {"metavar": "C"}),
        Option("out", "a .csv, .npy or .png file", Rule("RUN/samples.csv, of images .npy"), path("FILE")),
        Option("overwrite", "replace the file if it exists", False, ON),
    ]
}


def execute(args):
    """Samples; returns the exit code."""
    run = Run.open(args.folder)
    known = run.saved["data"]
    path = _file(args, images=len(known["event_shape"]) == 3)
    count = args.num_samples or (defaults.NUM_IN_A_PICTURE if path.suffix.lower() == ".png" else defaults.NUM_SAMPLES)

    from tfflows.cli import samples

    context = samples.contexts(args.context_value, known, count, args.seed)

    quiet.load()
    from tfflows.cli import model

    model.load(run)
    samples.write(path, run.flow, known, count, context=context, seed=args.seed, temperature=args.temperature)
    print(f"{count:,} samples: {path}")
    return 0


def _file(args, *, images):
    kinds = (".csv", ".npy", ".png") if images else (".csv", ".npy")
    path = args.out or args.folder / ("samples.npy" if images else "samples.csv")
    return checked_file(path, kinds, overwrite=args.overwrite)
