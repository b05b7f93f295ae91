"""What is wrong with the arguments, the files or the folders is said before TensorFlow is imported.

Every case runs in one process, started as the command is, in which nothing heavy may have been imported at the end.
"""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "tensorflow_probability", "matplotlib", "sklearn", "pandas", "scipy")
CODE = """
import contextlib, io, json, sys
cases = json.loads(sys.stdin.read())
sys.argv[0] = "/somewhere/bin/tfflows"  # the console script
from tfflows.cli.main import main
for argv, code, words in cases:
    err, out = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        found = main(argv)
    assert found == code and words in " ".join((err.getvalue() + out.getvalue()).split()), (argv, found, err.getvalue())
    heavy = set(HEAVY) & set(sys.modules)
    assert not heavy, (argv, heavy)
print(len(cases))
"""
REFUSED = [
    # what argparse refuses
    (["trian"], "invalid choice"),
    (["train", "--epochs", "0"], "a whole number from 1"),
    (["train", "--precision", "float8"], "invalid choice"),
    (["train", "--epoch-s", "3"], "unrecognized arguments"),
    # names
    (["train", "--model", "real-nvt"], "Did you mean 'real-nvp'?"),
    (["train", "--data", "two-mons"], "Did you mean 'two-moons'?"),
    (["evaluate", "{run}", "--data", "diggits"], "Did you mean 'digits'?"),
    # options that do not fit the model or the data
    (["train", "--model", "neural-spline-flow", "--parallel", "forward"], "--bins. Received: --parallel"),
    (["train", "--model", "glow", "--data", "digits", "--num-layers", "4"], "glow over images takes --num-levels"),
    (
        ["train", "--data", "digits", "--num-levels", "2"],
        "real-nvp over vectors takes --num-layers, --hidden-units, --tails, --whiten.",
    ),
    (["train", "--grids-every", "2"], "Received: --grids-every with --data two-moons"),
    (
        ["train", "--importance-draws", "2"],
        "a published set or a folder of images takes --importance",
    ),
    (
        ["train", "--columns", "a,b", "--key", "x"],
        "Only a table from a file takes --columns, --key. Received",
    ),
    (["train", "--no-header"], "Only a table from a file takes --header"),
    (["train", "--no-labels"], "Only a table from a file or a folder of images takes --labels"),
    (["train", "--image-size", "4", "--skip-bad-images"], "folder of images takes --image-size, --skip-bad-images"),
    (["train", "--data", "{folder}", "--columns", "a"], "Only a table from a file takes --columns"),
    (["train", "--data", "wine", "--num-train", "9"], "Only a toy density or a published set takes --num-train"),
    (["train", "--data", "{table}", "--columns", "a,b"], "chosen by index. Received: --columns a,b"),
    (["train", "--data", "wine", "--images"], "wine holds no images. Received: --images"),
    (["train", "--data", "mnist", "--no-images"], "mnist holds images. Received: --no-images"),
    (["train", "--model", "glow"], "glow takes images, such as digits"),
    (
        ["train", "--model", "autoregressive-flow", "--data", "mnist"],
        "takes vectors. Received: mnist",
    ),
    (
        ["train", "--data", "{column}"],
        "--kind autoregressive, or --model autoregressive-flow. Received: --model real-nvp",
    ),
    (
        ["train", "--data", "{column}", "--model", "neural-spline-flow"],
        "neural-spline-flow --kind coupling, which takes 2",
    ),
    (["train", "--circular", "a"], "--tails, --whiten. Received: --circular with --data two-moons"),
    (["train", "--model", "neural-spline-flow", "--period", "24"], "--period takes one number, or one for each column"),
    (["train", "--model", "neural-spline-flow", "--circular", "a", "--period", "0"], "a number above 0 is needed"),
    # files and folders
    (["train", "--data", "none.csv"], "'none.csv', which does not exist"),
    (["train", "--data", "no/where"], "'no/where', which does not exist"),
    (["train", "--data", "{text}"], "The file must end in one of .csv, .parquet, .npy, .npz. Received: "),
    (["train", "--output", "{run}"], "--resume to continue, --overwrite to replace"),
    (["train", "--output", "{folder}"], "holds other files"),
    (["train", "--output", "{text}"], "which is a file"),
    (["train", "--resume", "--output", "{none}"], "which does not exist"),
    (["train", "--resume", "--output", "{folder}"], "has no config.json"),
    (["train", "--resume", "--output", "{run}", "--epochs", "9"], "epochs: 4 in config.json, 9 asked for"),
    *((([command, "{none}"], "which does not exist")) for command in ("evaluate", "score", "sample", "export")),
    *((([command, "{stopped}"], "is not finished")) for command in ("evaluate", "score", "sample", "export")),
    (["evaluate", "{run}", "--data", "none.csv"], "which does not exist"),
    (["evaluate", "{run}", "--importance-draws", "2"], "is for discrete data. Received: a run on two_moons"),
    (["evaluate", "{run}", "--data", "{table}", "--split", "test"], "All of a file or folder of one's own is judged"),
    (["score", "{run}", "--out", "scores.txt"], "must end in .csv"),
    (["export", "{run}", "--output", "{folder}"], "must be a new or empty folder"),
    (["export", "{run}", "--format", "tflite"], "invalid choice: 'tflite'"),
    (["export", "{run}", "--format", "litert", "--output", "flow.lite"], "litert must end in .tflite. Received: 'fl"),
    (["sample", "{run}", "--out", "samples.txt"], "must end in .csv or .npy"),
    (["sample", "{run}", "--out", "nowhere/samples.csv"], "folder of --out must exist"),
    (["sample", "{run}", "--out", "{samples}"], "exists: --overwrite to replace it"),
    (["sample", "{run}", "--context-value", "1"], "takes no context"),
]
SHOWN = [(["--help"], "usage: tfflows"), (["--version"], "tfflows 0"), (["train", "--help"], "(default: two-moons)")]
SHOWN += [([command, "--help"], f"usage: tfflows {command}") for command in ("evaluate", "score", "sample", "export")]


@pytest.fixture
def places(tmp_path):
    """Paths by the names that the cases have for them."""
    run, stopped, folder = (tmp_path / name for name in ("run", "stopped", "folder"))
    config = {"settings": {"model": "real-nvp", "data": "two-moons", "epochs": 4}}
    config["data"] = {"name": "two_moons", "event_shape": [2], "conditional": False, "discrete_levels": None}
    for path in (run, stopped):
        path.mkdir()
        (path / "config.json").write_text(json.dumps(config))
    folder.mkdir()
    (tmp_path / "c.csv").write_text("height\n1.5\n2.5\n")
    for path in (run / "model.keras", folder / "mine", tmp_path / "text.txt", tmp_path / "s.npy", tmp_path / "t.npy"):
        path.write_bytes(b"")
    files = {"text": tmp_path / "text.txt", "samples": tmp_path / "s.npy", "table": tmp_path / "t.npy"}
    files["column"] = tmp_path / "c.csv"
    return {"run": run, "stopped": stopped, "folder": folder, "none": tmp_path / "none", **files}


def test_refused_and_shown_without_tensorflow(places):
    cases = [(argv, 2, words) for argv, words in REFUSED] + [(argv, 0, words) for argv, words in SHOWN]
    cases = [([each.format(**places) for each in argv], code, words) for argv, code, words in cases]
    code = f"HEAVY = {HEAVY}\n{CODE}"
    before = sorted(path for path in places["run"].parent.rglob("*"))
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(cases), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(cases)
    assert sorted(path for path in places["run"].parent.rglob("*")) == before


@pytest.mark.parametrize("argv", [["--help"], ["train", "--data", "two-mons"]])
def test_started_as_a_module_it_imports_no_tensorflow(argv):
    command = [sys.executable, "-X", "importtime", "-m", "tfflows.cli.main", *argv]
    done = subprocess.run(command, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "tfflows.cli.options" in imported and not imported & set(HEAVY)


def test_another_keras_backend_is_refused(tmp_path):
    code = "import sys; sys.argv[0] = 'tfflows'; from tfflows.cli.main import main; sys.exit(main(['train']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 2
    assert "tfflows: error: tfflows needs Keras on the TensorFlow backend" in done.stderr and "'jax'" in done.stderr
