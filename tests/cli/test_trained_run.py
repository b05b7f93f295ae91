"""evaluate, sample and export on finished runs."""

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas
import pytest
import tensorflow as tf

from tfflows import models
from tfflows.cli import data, model, samples
from tfflows.cli.main import main
from tfflows.cli.run import Run


def _run(*argv):
    return main(list(map(str, argv)))


def test_evaluate_repeats_the_metrics_of_the_run(moons, tmp_path, capsys):
    folder = shutil.copytree(moons, tmp_path / "run")
    assert _run("evaluate", folder) == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    found = json.loads((folder / "evaluate.json").read_text())
    assert found["num_test"] == 100_000
    for key in ("test_nats", "test_standard_error", "gap_nats", "entropy_nats"):
        np.testing.assert_allclose(found[key], metrics[key], rtol=1e-5)
    assert "test nats:" in capsys.readouterr().out


def test_evaluate_on_other_data_and_another_split(moons, tmp_path):
    folder = shutil.copytree(moons, tmp_path / "run")
    assert _run("evaluate", folder, "--data", "banana", "--split", "validation") == 0
    found = json.loads((folder / "evaluate.json").read_text())
    assert found["data"] == "banana" and found["num_validation"] == 5_000 and found["gap_nats"] > 1


def test_evaluate_numbers_labels_as_in_training(by_sex, people, tmp_path):
    folder = shutil.copytree(by_sex, tmp_path / "run")
    only = tmp_path / "men.csv"
    lines = people.read_text().splitlines()
    only.write_text("\n".join([lines[0], *(line for line in lines if line.endswith(",m"))]) + "\n")
    assert _run("evaluate", folder, "--data", only) == 0  # all of it
    found = json.loads((folder / "evaluate.json").read_text())
    rows = np.array([line.split(",")[:2] for line in only.read_text().splitlines()[1:]], np.float32)
    flow = models.load_model(folder / "model.keras")
    bounds = [-np.asarray(flow.log_prob(rows, np.full([len(rows)], label, np.int32))).mean() for label in (1, 0)]
    assert found["num_test"] == len(rows) and abs(found["test_nats"] - bounds[0]) < 1e-4
    run = Run.open(folder)
    model.load(run)
    data.load_again(run, name=str(only))
    assert set(run.data.context_test) == {1}
    assert _run("score", folder, "--data", only) == 0
    scores = np.loadtxt(folder / "scores.csv", skiprows=1)
    assert (folder / "scores.csv").read_text().startswith("log_prob\n")
    np.testing.assert_allclose(scores, flow.log_prob(rows, np.ones([len(rows)], np.int32)), atol=1e-4)
    assert _run("score", folder, "--data", only) == 2  # it is there


def test_evaluate_refuses_data_that_do_not_fit(moons, by_sex, people, capsys):
    for folder, other, message in (
        (moons, "wine", "Examples of shape [2]"),
        (by_sex, "two-moons", "needs a context"),
        (moons, "two-mons", "Did you mean"),
    ):
        assert _run("evaluate", folder, "--data", other) == 2
        assert message in capsys.readouterr().err
    assert not (moons / "evaluate.json").exists()


def test_samples_in_a_table_read_back_the_same_numbers(moons, tmp_path):
    options = ("-n", 50, "--seed", 4, "--temperature", 0.7)
    assert _run("sample", moons, *options, "--out", tmp_path / "samples.csv") == 0
    assert _run("sample", moons, *options, "--out", tmp_path / "samples.npy") == 0
    with open(tmp_path / "samples.csv", newline="") as file:
        header, *rows = csv.reader(file)
    samples = np.load(tmp_path / "samples.npy")
    assert header == ["x1", "x2"] and samples.shape == (50, 2)
    np.testing.assert_array_equal(np.array(rows, np.float32), samples)
    flow = models.load_model(moons / "model.keras")
    np.testing.assert_allclose(samples, flow.sample(50, seed=4, temperature=0.7), rtol=1e-6)


def test_samples_of_a_conditional_run_name_their_class(by_sex, tmp_path, capsys):
    assert _run("sample", by_sex, "-n", 200, "--out", tmp_path / "all.csv") == 0
    with open(tmp_path / "all.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["height_cm", "weight_kg", "sex"]
    assert all(row[0].isdigit() for row in rows) and any("." in row[1] for row in rows)
    share = np.mean([row[2] == "m" for row in rows])
    assert 0.2 < share < 0.47  # a third of the people
    assert _run("sample", by_sex, "-n", 5, "--context-value", "m", "--out", tmp_path / "men.csv") == 0
    assert {line.rsplit(",")[-1] for line in (tmp_path / "men.csv").read_text().split()[1:]} == {"m"}
    assert _run("sample", by_sex, "--context-value", "x", "--out", tmp_path / "x.csv") == 2
    assert "must be a class: f, m. Received: 'x'" in capsys.readouterr().err


def test_samples_are_written_as_the_file_was(train, tmp_path):
    rng, path, run = np.random.default_rng(0), tmp_path / "people.parquet", tmp_path / "run"
    columns = {"id": rng.integers(9, size=60).astype("uint8"), "age": rng.normal(40, 9, 60), "on": rng.random(60) > 0.5}
    pandas.DataFrame(columns | {"size": rng.normal(170, 9, 60).astype("float32")}).to_parquet(path)
    options = ("--columns", "size,on,id", "--context", "age", "--epochs", 1, "--output", run)
    assert train("--data", path, *options) == 0
    assert _run("sample", run, "-n", 70, "--context-value", 30) == 0
    found, given = (pandas.read_parquet(each) for each in (run / "samples.parquet", path))
    assert list(found) == list(given) and found.dtypes.to_dict() == given.dtypes.to_dict()
    assert len(found) == 70 and (found["age"] == 30).all() and found["id"].nunique() > 3
    assert _run("sample", run, "-n", 70, "--context-value", 30, "--out", tmp_path / "samples.npy") == 0
    array = np.load(tmp_path / "samples.npy")
    np.testing.assert_array_equal(array, found[["size", "on", "id"]].astype("float32"))
    assert array.dtype == np.float32


def test_text_and_numbers_as_context(train, people, tmp_path, capsys):
    run, women = tmp_path / "run", tmp_path / "women.csv"
    options = ("--columns", "weight_kg,size", "--context", "height_cm,sex", "--epochs", 1, "--output", run)
    header, *rows = people.read_text().splitlines()
    people = tmp_path / "people.csv"
    people.write_text("\n".join([f"{header},size", *(f"{row},{i % 7}.5" for i, row in enumerate(rows))]) + "\n")
    women.write_text("\n".join(line for line in people.read_text().splitlines() if ",m," not in line) + "\n")
    assert train("--data", people, *options) == 0
    assert _run("evaluate", run, "--data", women) == 0  # of which one class is missing
    assert _run("sample", run, "-n", 3, "--context-value", "170,f") == 0
    header, *rows = (run / "samples.csv").read_text().split()
    assert header == "height_cm,weight_kg,sex,size"
    assert all(row.startswith("170,") and row.split(",")[2] == "f" for row in rows) and len(rows) == 3
    for value in ("170", "170,x", "f,170"):
        assert _run("sample", run, "--context-value", value, "--out", tmp_path / "no.csv") == 2
        assert (
            f"must be, between commas, height_cm (a number); sex (f, m). Received: '{value}'" in capsys.readouterr().err
        )


def test_samples_given_numbers(train, people, tmp_path, capsys):
    table = tmp_path / "table.npy"
    np.save(table, np.random.default_rng(0).standard_normal((60, 4)))
    run = tmp_path / "run"
    assert train("--data", table, "--context", "2,3", "--epochs", 1, "--output", run) == 0
    assert _run("sample", run, "-n", 4, "--context-value", "0.5,-1", "--out", tmp_path / "s.npy") == 0
    flow = models.load_model(run / "model.keras")
    expected = flow.sample(4, context=np.array([0.5, -1], "float32"), seed=0)
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), expected, rtol=1e-5)
    assert _run("sample", run, "--out", tmp_path / "none.npy") == 2
    assert "must be, between commas, 2 finite numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "samples.txt"), "must end in .csv or .npy"),
        (("--out", "nowhere/samples.csv"), "folder of --out must exist"),
        (("--context-value", "1"), "takes no context"),
    ],
)
def test_sample_refuses(moons, capsys, options, message):
    assert _run("sample", moons, *options) == 2
    assert message in capsys.readouterr().err


def test_samples_are_not_overwritten_unless_asked(moons, tmp_path, capsys):
    path = tmp_path / "samples.npy"
    path.write_text("mine")
    assert _run("sample", moons, "--out", path) == 2
    assert "exists" in capsys.readouterr().err and path.read_text() == "mine"
    assert _run("sample", moons, "-n", 3, "--out", path, "--overwrite") == 0
    assert np.load(path).shape == (3, 2)


def test_export_is_the_flow(moons, tmp_path, capsys):
    assert _run("export", moons, "--output", tmp_path / "deep" / "served") == 0
    x = np.array([[0.1, 0.2], [1.0, -0.5]], np.float32)
    flow = models.load_model(moons / "model.keras")
    for folder in (tmp_path / "deep" / "served", moons / "saved_model"):
        served = tf.saved_model.load(str(folder))
        np.testing.assert_allclose(served.log_prob(x), flow.log_prob(x), rtol=1e-5)
    assert _run("export", moons, "--output", tmp_path / "deep") == 2
    assert "must be a new or empty folder" in capsys.readouterr().err


def test_export_to_another_runtime(moons, tmp_path, capsys):
    folder, path = shutil.copytree(moons, tmp_path / "run"), tmp_path / "deep" / "flow.tflite"
    assert _run("export", folder, "--format", "litert") == 0
    assert _run("export", folder, "--format", "litert", "--endpoints", "log_prob,inverse", "--output", path) == 0
    x, flow = np.array([[0.1, 0.2], [1.0, -0.5]], np.float32), models.load_model(folder / "model.keras")
    for file in (folder / "litert" / "flow.tflite", path):
        runner = tf.lite.Interpreter(model_path=str(file)).get_signature_runner("log_prob")
        np.testing.assert_allclose(runner(x=x)["log_prob"], flow.log_prob(x), rtol=1e-5)
    assert _run("export", folder, "--format", "litert", "--output", path) == 2
    assert "must be a new file" in capsys.readouterr().err
    assert _run("export", folder, "--format", "litert", "--endpoints", "sample") == 2
    assert "it has no random numbers" in capsys.readouterr().err
    assert [each.name for each in (folder / "litert").iterdir()] == ["flow.tflite"]


@pytest.mark.parametrize("command", ["evaluate", "sample", "export"])
def test_what_is_no_run_is_refused(command, moons, tmp_path, capsys):
    assert _run(command, tmp_path / "none") == 2
    assert "made by `tfflows train` is needed" in capsys.readouterr().err
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    shutil.copy(moons / "config.json", unfinished)
    assert _run(command, unfinished) == 2
    assert f"tfflows train --resume --output {unfinished}" in capsys.readouterr().err
    (unfinished / "model.keras").write_bytes((moons / "model.keras").read_bytes()[:1000])
    assert _run(command, unfinished) == 2
    assert "truncated" in capsys.readouterr().err
    (unfinished / "config.json").write_text('{"other": 1}')
    assert _run(command, unfinished) == 2
    assert "config.json written by" in capsys.readouterr().err


def test_the_command_says_nothing_of_the_machine(moons, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    code = "import sys; sys.argv[0] = 'tfflows'; from tfflows.cli.main import main; sys.exit(main())"  # as the script
    command = [sys.executable, "-c", code, "sample", str(moons), "-n", "5", "--out", str(tmp_path / "samples.csv")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"5 samples: {tmp_path / 'samples.csv'}\n"


def test_text_with_a_comma_is_quoted():
    known = {"conditional": True, "class_names": None, "context_size": 3}
    known["table"] = {"context": ["city", "age"], "classes": {"city": ["Rome", "Washington, D.C."]}}
    found = samples.contexts('"Washington, D.C.", 30', known, 2, 0)
    np.testing.assert_array_equal(found, [[0, 1, 30]] * 2)
