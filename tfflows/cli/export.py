"""Write the flow of a trained run as a SavedModel with endpoints log_prob, sample, forward and inverse, which any
TensorFlow program loads without tfflows."""

import pathlib

SUMMARY = "a run as a SavedModel"


def add_arguments(parser):
    """Adds the options of `tfflows export`."""
    add = parser.add_argument
    add("folder", type=pathlib.Path, metavar="RUN", help="run folder made by tfflows train")
    add("--output", type=pathlib.Path, metavar="FOLDER", help="folder to write (default: RUN/saved_model, anew)")


def run(args, argv):
    """Exports; returns the exit code."""
    from tfflows.cli import run_folder

    run_folder.read_config(args.folder)
    path = args.output or args.folder / run_folder.SAVED_MODEL
    if args.output is not None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"--output must be a new or empty folder. Received: {path}, which exists")
    flow = run_folder.load_flow(args.folder)

    from tfflows.cli import report

    path.parent.mkdir(parents=True, exist_ok=True)
    report.export(flow, path)
    print(f"SavedModel: {path}")
    return 0
