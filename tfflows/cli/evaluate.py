"""Measure the likelihood a trained run gives to data; prints it and writes evaluate.json into the run folder."""

from tfflows.cli import defaults, options, quiet, run_folder, settings
from tfflows.cli.defaults import Rule
from tfflows.cli.options import NUMBER, Option
from tfflows.cli.run import Run

SUMMARY = "likelihood of a run on test data"
OPTIONS = {
    "": [
        Option("data", "name, or file or folder, of which all is judged", Rule("the data of the run")),
        Option("split", "which part of the data", "test", options.among("train", "validation", "test")),
        Option("seed", "of the split, the draws and the noise", Rule("that of the run"), options.SEED),
        Option("noise_draws", "draws of noise per discrete example", defaults.NOISE_DRAWS, NUMBER),
        Option("importance_draws", options.IMPORTANCE, Rule("as in training"), options.DRAWS),
    ]
}


def execute(args):
    """Evaluates; returns the exit code."""
    run = Run.open(args.folder)
    name = settings.data_name(args.data or run.settings["data"])
    if "split" in args.given and args.data and settings.source_of(name) in defaults.FROM_USERS:
        raise ValueError(f"All of a file or folder of one's own is judged. Received: --split with --data {args.data}")
    if args.importance_draws is not None and run.saved["data"]["discrete_levels"] is None:
        name = run.saved["data"]["name"]
        raise ValueError(f"--importance-draws is for discrete data. Received: a run on {name}, of continuous values")
    seed = run.settings["seed"] if args.seed is None else args.seed
    importance = run.settings.get("importance_draws") if args.importance_draws is None else args.importance_draws

    quiet.load()
    from tfflows.cli import data, likelihood, model

    model.load(run)
    data.load_again(run, name=args.data, seed=seed)
    found = likelihood.measure(run, args.split, seed=seed, num_draws=args.noise_draws, importance_draws=importance)
    path = args.folder / run_folder.EVALUATION
    run_folder.write_json(path, found)
    print("\n".join(likelihood.lines(found)))
    print(f"written:     {path}")
    return 0
