"""Train a flow by maximum likelihood and leave a run folder: config.json, log.csv, metrics.json, figures, model.keras
and saved_model/."""

import argparse
import pathlib
import time

from tfflows.cli import option_types

SUMMARY = "train a flow; without options, RealNVP on two moons"
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16", "float64")
STEPS, MOST_EPOCHS = 5_000, 500
FILE_OPTIONS = ("columns", "context", "labels", "header", "key")


def add_arguments(parser):
    """Adds the options of `tfflows train`."""
    add = parser.add_argument
    data = "names: two-moons, eight-gaussians, rings, checkerboard, pinwheel, two-spirals, swiss-roll, banana, funnel, "
    data += "digits, wine, breast-cancer; or the path of a .csv, .parquet, .npy or .npz file"
    positive = option_types.positive_int
    add("--model", default="real-nvp", help="which flow")
    add("--data", default="two-moons", help=data)
    add("--columns", type=option_types.names, metavar="A,B", help="columns of a file to model (default: all others)")
    add("--context", type=option_types.names, metavar="C", help="columns of a file to condition on (default: none)")
    add(
        "--labels",
        action=argparse.BooleanOptionalAction,
        help="the context of a file is class labels (default: a single column of text or whole numbers is)",
    )
    add("--header", action=argparse.BooleanOptionalAction, default=True, help="a .csv starts with column names")
    add("--key", help="which array of an .npz is the table (default: the only one, or x)")
    add(
        "--conditional",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="condition on the labels or context of the data, when there are any",
    )
    add(
        "--num-train",
        type=positive,
        metavar="N",
        help="examples to draw from a toy density (default: 200000; files and real data: four fifths of the rows)",
    )
    add("--output", type=pathlib.Path, metavar="RUN", help="run folder (default: runs/MODEL-DATA)")
    add(
        "--epochs",
        type=positive,
        metavar="N",
        help=f"passes over the data (default: as many as make {STEPS:,} steps, at most {MOST_EPOCHS})",
    )
    add("--batch-size", type=positive, default=512, metavar="N", help="examples per step")
    add("--learning-rate", type=option_types.positive_float, default=3e-3, help="of Adam, falling to 0 as a cosine")
    add(
        "--patience",
        type=positive,
        default=50,
        metavar="N",
        help="epochs without a better validation loss after which training stops; the best epoch's weights are kept",
    )
    add("--num-layers", type=positive, default=8, metavar="N", help="number of layers of the flow")
    add(
        "--hidden-units",
        type=option_types.widths,
        default="64,64",
        metavar="N,N",
        help="widths of the hidden layers of each conditioner",
    )
    add("--seed", type=option_types.natural, default=0, help="of data, weights, order and noise")
    add("--precision", choices=PRECISIONS, default="float32", help="Keras dtype policy; log-densities stay float32")
    add("--resume", action="store_true", help="continue a stopped run with the settings in its config.json")
    add("--overwrite", action="store_true", help="replace the run in the run folder")


def run(args, argv):
    """Trains; returns the exit code."""
    started = time.perf_counter()
    from tfflows.cli import run_folder, settings

    wanted, given = settings.of(args), _given(argv)
    folder = args.output or run_folder.default(wanted)
    if args.resume:
        wanted = settings.merged(run_folder.read_config(folder)["settings"], wanted, given, folder)
    else:
        run_folder.check_free(folder, overwrite=args.overwrite)

    from tfflows.cli import data, registry, report, training

    dataset = data.load(wanted)
    conditional = wanted["conditional"] and dataset.context_train is not None
    wanted = settings.completed(wanted, dataset)
    flow = registry.build(wanted, dataset, conditional=conditional)
    training.prepare(flow, dataset, wanted)
    config = settings.config(wanted, dataset, conditional=conditional)
    if args.resume:
        settings.check_same_data(run_folder.read_config(folder), config, folder)
    else:
        run_folder.create(folder, config, overwrite=args.overwrite)
    facts = training.train(flow, dataset, wanted, folder)
    report.write(flow, dataset, wanted, folder, facts, started=started)
    return 0


def _given(argv):
    """Names of the options that are on the command line, rather than left to their defaults."""
    absent = object()
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    names = vars(parser.parse_args([]))
    found, _ = parser.parse_known_args(argv, argparse.Namespace(**dict.fromkeys(names, absent)))
    return {name for name in names if getattr(found, name) is not absent}
