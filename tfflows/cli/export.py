"""Write the flow of a trained run as a SavedModel with endpoints log_prob, sample, forward and inverse, which any
TensorFlow program loads without tfflows."""

from tfflows.cli import options, quiet, run_folder
from tfflows.cli.defaults import Rule
from tfflows.cli.options import Option
from tfflows.cli.run import Run

SUMMARY = "a run as a SavedModel"
OPTIONS = {"": [Option("output", "folder to write", Rule("RUN/saved_model, anew"), options.path("FOLDER"))]}


def execute(args):
    """Exports; returns the exit code."""
    run = Run.open(args.folder)
    path = args.output or args.folder / run_folder.SAVED_MODEL
    if args.output is not None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"--output must be a new or empty folder. Received: {path}, which exists")

    quiet.load()
    from tfflows.cli import model, report

    model.load(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    report.export(run.flow, path)
    print(f"SavedModel: {path}")
    return 0
