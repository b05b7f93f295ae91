"""Examine the flow of a trained run on its data, layer by layer: round trips, log-dets against automatic
differentiation, weights, precision, conditioning, scales, dead couplings, derivatives, latents. Prints a page, writes
doctor.json and doctor.html into the run folder. Exit code 0: healthy; 1: findings, each named with its layer."""

from tfflows.cli import defaults, options, quiet, run_folder, settings
from tfflows.cli.defaults import Rule
from tfflows.cli.options import NUMBER, Option
from tfflows.cli.run import Run

SUMMARY = "what is wrong with the flow of a run, by layer"
_SPLIT = "which part of the data"
OPTIONS = {
    "": [
        Option("data", "name, or file or folder", Rule("the data of the run")),
        Option("split", _SPLIT, "test", options.among("train", "validation", "test")),
        Option("num_examples", "how many are looked at, the first ones", 512, NUMBER),
        Option("seed", "of the noise of discrete data", 0, options.SEED),
    ]
}


def execute(args):
    """Examines; returns the exit code."""
    run = Run.open(args.folder)
    name = settings.data_name(args.data or run.settings["data"])
    if "split" in args.given and args.data and settings.source_of(name) in defaults.FROM_USERS:
        raise ValueError(f"All of a file or folder of one's own is seen. Received: --split with --data {args.data}")

    quiet.load()
    from tfflows import evaluation
    from tfflows.cli import data, model, pages

    model.load(run)
    data.load_again(run, name=args.data)
    x, context = data.reals(run, args.split, args.num_examples, seed=args.seed)
    report = evaluation.doctor(run.flow, x, context, num_examples=args.num_examples, seed=args.seed)
    facts = {"data": run.data.name, "split": args.split, **report.facts()}
    run_folder.write_json(args.folder / run_folder.EXAMINATION, facts)
    path = args.folder / run_folder.EXAMINATION_PAGE
    pages.of_examination(run, report, x, context, args).write(path)
    print(report)
    print(f"\nwritten:     {path}")
    return 0 if report.healthy else 1
