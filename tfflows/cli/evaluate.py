"""Measure the likelihood a trained run gives to data; prints it and writes evaluate.json into the run folder."""

import pathlib

from tfflows.cli import option_types

SUMMARY = "likelihood of a run on test data"


def add_arguments(parser):
    """Adds the options of `tfflows evaluate`."""
    add = parser.add_argument
    add("folder", type=pathlib.Path, metavar="RUN", help="run folder made by tfflows train")
    add("--data", help="name or file (default: the data of the run)")
    add("--split", choices=("train", "validation", "test"), default="test", help="which part of the data")
    add("--seed", type=option_types.natural, help="of the split, the draws and the noise (default: that of the run)")
    add("--noise-draws", type=option_types.positive_int, default=8, help="draws of noise per discrete example")
    add(
        "--importance-draws",
        type=option_types.positive_int,
        metavar="K",
        help="draws of noise for the importance-weighted bound of discrete data (default: as in training)",
    )


def run(args, argv):
    """Evaluates; returns the exit code."""
    from tfflows.cli import run_folder

    config = run_folder.read_config(args.folder)
    seed = config["settings"]["seed"] if args.seed is None else args.seed

    from tfflows.cli import data, metrics

    flow = run_folder.load_flow(args.folder)
    dataset = data.for_run(config, name=args.data, seed=seed)
    importance = config["settings"].get("importance_draws") if args.importance_draws is None else args.importance_draws
    found = metrics.measure(
        flow, dataset, args.split, seed=seed, num_draws=args.noise_draws, importance_draws=importance
    )
    path = args.folder / "evaluate.json"
    run_folder.write_json(path, found)
    print("\n".join(metrics.lines(found)))
    print(f"written:     {path}")
    return 0
