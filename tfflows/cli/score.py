"""Write the log-probability that a trained run gives to each row of a file, or each image of a folder in the order of
their names, in nats: a .csv with one number a row. Of discrete data it is the mean of a lower bound over the noise."""

from tfflows.cli import defaults, options, quiet, settings
from tfflows.cli.defaults import Rule
from tfflows.cli.options import NUMBER, ON, SEED, Option
from tfflows.cli.run import Run

SUMMARY = "log-probability of each row of a file"
OPTIONS = {
    "": [
        Option("data", "file or folder, or a name, of which the test split is scored", Rule("the data of the run")),
        Option("out", "a .csv file", Rule("RUN/scores.csv"), options.path("FILE")),
        Option("overwrite", "replace the file if it exists", False, ON),
        Option("seed", "of the noise", 0, SEED),
        Option("noise_draws", "draws of noise per discrete example", defaults.NOISE_DRAWS, NUMBER),
    ]
}


def execute(args):
    """Scores; returns the exit code."""
    run = Run.open(args.folder)
    settings.data_name(args.data or run.settings["data"])
    path = options.checked_file(args.out or args.folder / "scores.csv", (".csv",), overwrite=args.overwrite)

    quiet.load()
    import numpy as np

    from tfflows.cli import data, likelihood, model

    model.load(run)
    data.load_again(run, name=args.data)
    scores = likelihood.of_each(run, "test", seed=args.seed, num_draws=args.noise_draws)
    np.savetxt(path, scores, fmt="%.9g", header="log_prob", comments="")
    print(f"{len(scores):,} log-probabilities, mean {scores.mean():.4f} nats: {path}")
    return 0
