"""What the benchmarks share in reporting: command, versions, tables, and the files in `results/`."""

import datetime
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import sys

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


def add_arguments(parser):
    """The options that every benchmark has."""
    parser.add_argument("--threads", type=int, default=2, help="TensorFlow's threads of either kind (default 2)")
    parser.add_argument("--fast", action="store_true", help="a small run that only shows that it runs; writes nothing")
    parser.add_argument("--output", type=pathlib.Path, help="folder of the result files (default: results/)")


def use_threads(threads):
    """Limits TensorFlow to that many threads; before its first operation."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def command(hidden=()):
    """The command line, without folders: `hidden` options keep their name and lose their value."""
    words, hide = [], False
    for word in sys.argv[1:]:
        name, _, value = word.partition("=")
        if hide or (name in hidden and value):
            words += [] if hide else [name]
            words.append("...")
            hide = False
        else:
            words.append(word)
            hide = name in hidden
    return " ".join(["python", f"benchmarks/{pathlib.Path(sys.argv[0]).name}", *words])


def surroundings(packages=PACKAGES):
    """Versions, processor and date."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "versions": found,
        "machine": f"{_processor()}, {os.cpu_count()} cores{_accelerators()}",
    }


def table(headers, rows):
    """A markdown table; the first column is aligned left, the others right."""
    cells = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(_aligned(row, widths)) + " |" for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def median(values):
    """The median of a few numbers."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values, digits=2):
    """`median (smallest to largest)`."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def report(name, title, text, record, args, hidden=("--output",), packages=PACKAGES):
    """Prints the tables and, unless the run was a fast one, writes `NAME.json` and `NAME.md`.

    Args:
      name: stem of the files.
      title: first line of the `.md` file.
      text: markdown, the tables.
      record: what the `.json` file holds besides command, versions and date.
      args: the parsed arguments, with `fast` and `output`.
      hidden: options whose values (folders) stay out of the files.
      packages: distributions whose versions are recorded.
    """
    print(text)
    if args.fast and args.output is None:
        return
    folder = args.output or RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    around = {"command": command(hidden), **surroundings(packages)}
    versions = ", ".join(f"{package} {version}" for package, version in around["versions"].items())
    head = f"# {title}\n\n`{around['command']}`, {around['date']}, {around['machine']}; {versions}.\n\n"
    (folder / f"{name}.md").write_text(head + text.strip() + "\n")
    (folder / f"{name}.json").write_text(json.dumps(_plain({**around, **record}), indent=1) + "\n")


def _aligned(row, widths):
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def _plain(value):
    """The value with `None` for what JSON cannot hold, infinities and NaN."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _accelerators():
    if "tensorflow" not in sys.modules:
        return ""
    tf = sys.modules["tensorflow"]
    gpus = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in _gpus(tf)]
    return "".join(f", {gpu}" for gpu in gpus)


def _gpus(tf):
    return tf.config.list_physical_devices("GPU")
