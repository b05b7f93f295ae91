"""Measure the likelihood a trained run gives to data; prints it and writes evaluate.json into the run folder, and
evaluate.html: the numbers, histograms, samples, interpolations of images, the most and the least likely examples."""

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
        Option("against", "name, or file or folder, whose test data are told from these by likelihood", Rule("none")),
        Option("importance_draws", options.IMPORTANCE, Rule("as in training"), options.DRAWS),
    ]
}


def execute(args):
    """Evaluates; returns the exit code."""
    run = Run.open(args.folder)
    name = settings.data_name(args.data or run.settings["data"])
    if args.against is not None:
        settings.data_name(args.against)
    if "split" in args.given and args.data and settings.source_of(name) in defaults.FROM_USERS:
        raise ValueError(f"All of a file or folder of one's own is judged. Received: --split with --data {args.data}")
    if args.importance_draws is not None and run.saved["data"]["discrete_levels"] is None:
        name = run.saved["data"]["name"]
        raise ValueError(f"--importance-draws is for discrete data. Received: a run on {name}, of continuous values")
    seed = run.settings["seed"] if args.seed is None else args.seed
    importance = run.settings.get("importance_draws") if args.importance_draws is None else args.importance_draws

    quiet.load()
    from tfflows.cli import data, examples, likelihood, model, pages

    model.load(run)
    data.load_again(run, name=args.data, seed=seed)
    draws = {"seed": seed, "num_draws": args.noise_draws}
    other = args.against and examples.of_other(run, args.against, **draws)  # refused before the long part
    found = likelihood.measure(run, args.split, **draws, importance_draws=importance)
    elsewhere = args.data is not None or seed != run.settings["seed"]  # not where the flow was trained
    judged = examples.of_run(run, args.split, other_data=elsewhere, **draws)
    if other:
        found.update(examples.separation(judged, other))
    path = args.folder / run_folder.EVALUATION
    run_folder.write_json(path, found)
    pages.of_evaluation(run, found, judged, other).write(args.folder / run_folder.EVALUATION_PAGE)
    print("\n".join([*likelihood.lines(found), *examples.lines(found)]))
    print(f"written:     {path}, {args.folder / run_folder.EVALUATION_PAGE}")
    return 0
