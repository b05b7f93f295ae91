"""Write the flow of a trained run so that it is served without tfflows: as a SavedModel with endpoints log_prob,
sample, forward and inverse, which any TensorFlow program loads, or those without random numbers for onnxruntime,
LiteRT or OpenVINO."""

from tfflows.arguments import EXPORT_FORMATS, check_export
from tfflows.cli import options, quiet, run_folder
from tfflows.cli.defaults import Rule
from tfflows.cli.options import Option
from tfflows.cli.run import Run

SUMMARY = "a run as a SavedModel, ONNX, LiteRT or OpenVINO"
_SAVED_MODEL = "tf_saved_model"
_WHICH = Rule(f"all of {_SAVED_MODEL}, of others log_prob")
_PLACE = "folder of a SavedModel, or file to write"
OPTIONS = {
    "": [
        Option("format", "of what is written", _SAVED_MODEL, options.among(*EXPORT_FORMATS)),
        Option("endpoints", "those to write, each in a file but of LiteRT", _WHICH, options.COLUMNS),
        Option("output", _PLACE, Rule("RUN/saved_model or RUN/FORMAT/flow.*, anew"), options.path("PATH")),
    ]
}


def execute(args):
    """Exports; returns the exit code."""
    run = Run.open(args.folder)
    saved = args.format == _SAVED_MODEL
    place = run_folder.SAVED_MODEL if saved else f"{args.format}/flow{EXPORT_FORMATS[args.format][0] or '.onnx'}"
    path = args.output or args.folder / place
    check_export(args.format, path)
    several = not saved and args.format != "litert" and len(args.endpoints or ()) > 1
    files = [path.with_name(f"{path.stem}.{name}{path.suffix}") for name in args.endpoints] if several else [path]
    taken = [file for file in files if file.exists() and not (saved and file.is_dir() and not any(file.iterdir()))]
    if args.output is not None and taken:
        wanted = "a new or empty folder" if saved else "a new file"
        raise FileExistsError(f"--output must be {wanted}. Received: {taken[0]}, which exists")

    quiet.load()
    from tfflows.cli import model

    model.load(run)
    chosen = {"format": args.format, "endpoints": args.endpoints}
    if args.output is not None and not saved:
        run.flow.export(path, **chosen)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with run_folder.replacing(path if saved else path.parent) as beside:
            run.flow.export(beside if saved else beside / path.name, **chosen)
    print(f"{'SavedModel' if saved else args.format}: {', '.join(map(str, files))}")
    return 0
