"""What `tfflows train` leaves in the run folder, and what it refuses."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from tfflows import datasets, models
from tfflows.cli.main import main

SPLINE = ("--model", "neural-spline-flow")
PLANE = {"samples.png", "density.png", "latents.png", "training.png"}
ALWAYS = {"config.json", "log.csv", "metrics.json", "model.keras", "saved_model", "training_state.npz"}


def _contents(folder):
    return {path.name for path in folder.iterdir()}


def _snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def _finite(values):
    return all(math.isfinite(value) for value in values.values() if isinstance(value, float))


def test_run_folder_of_a_toy_density(moons):
    assert _contents(moons) == ALWAYS | PLANE
    metrics = json.loads((moons / "metrics.json").read_text())
    assert _finite(metrics)
    assert metrics["num_test"] == 100_000 and metrics["epochs"] == 2 and metrics["steps"] == 8
    np.testing.assert_allclose(metrics["entropy_nats"], datasets.two_moons().entropy)
    error = 4 * metrics["test_standard_error"]
    assert abs(metrics["test_nats"] - metrics["entropy_nats"] - metrics["gap_nats"]) < error
    flow = models.load_model(moons / "model.keras")
    assert metrics["num_weights"] == flow.count_params()
    x = datasets.load("two-moons", seed=0).test[:10_000]
    assert abs(-np.mean(flow.log_prob(x)) - metrics["test_nats"]) < 10 * metrics["test_standard_error"]
    assert len((moons / "log.csv").read_text().splitlines()) == 3


def test_config_holds_what_repeats_the_run(moons, train, tmp_path, capsys):
    config = json.loads((moons / "config.json").read_text())
    assert config["settings"]["num_layers"] == 2 and config["settings"]["hidden_units"] == [8]
    assert config["settings"]["seed"] == 0 and config["settings"]["precision"] == "float32"
    assert config["data"]["num_train"] == 1000 and config["data"]["event_shape"] == [2]
    assert all(config["versions"].values())
    again = tmp_path / "again"
    assert train("--num-train", 1000, "--epochs", 2, "--output", again) == 0
    first, second = (models.load_model(folder / "model.keras").get_weights() for folder in (moons, again))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    out, metrics = capsys.readouterr().out, json.loads((again / "metrics.json").read_text())
    assert f"test nats:   {metrics['test_nats']:.4f} ± {metrics['test_standard_error']:.4f}" in out
    assert f"gap:         {metrics['gap_nats']:.4f} ± {metrics['gap_standard_error']:.4f} nats" in out
    assert out.splitlines()[-1] == f"run folder:  {again}"


def test_conditional_run_on_a_table(by_sex):
    assert _contents(by_sex) == ALWAYS | PLANE - {"density.png"}
    data = json.loads((by_sex / "config.json").read_text())["data"]
    assert data["columns"] == ["height_cm", "weight_kg"] and data["class_names"] == ["f", "m"]
    assert sum(data["class_counts"]) == data["num_train"] == 72
    metrics = json.loads((by_sex / "metrics.json").read_text())
    assert metrics["conditional"] and _finite(metrics) and "gap_nats" not in metrics
    assert models.load_model(by_sex / "model.keras").num_classes == 2


@pytest.mark.parametrize("precision", ["mixed_float16", "float64"])
def test_precisions(train, people, tmp_path, precision):
    options = ("--data", people, "--columns", "height_cm,weight_kg", "--precision", precision, "--epochs", 1)
    assert train(*options, "--output", tmp_path / "run") == 0
    assert _contents(tmp_path / "run") == ALWAYS | PLANE
    assert models.load_model(tmp_path / "run" / "model.keras").dtype_policy.name == precision


def test_a_run_that_exists_is_refused_untouched(moons, train, capsys):
    before = _snapshot(moons)
    assert train("--output", moons) == 2
    assert "--resume to continue, --overwrite to replace" in capsys.readouterr().err
    assert _snapshot(moons) == before


def test_overwrite_replaces_a_run_and_nothing_else(train, people, tmp_path, capsys):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    (run / "config.json").write_text("{}")
    (run / "metrics.json").write_text("old")
    (run / "notes.txt").write_text("mine")
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    assert (
        train("--overwrite", "--data", people, "--columns", "height_cm,weight_kg", "--epochs", 1, "--output", run) == 0
    )
    assert (run / "notes.txt").read_text() == "mine" and (run / "metrics.json").read_text() != "old"
    assert train("--overwrite", "--output", other) == 2
    assert "holds other files" in capsys.readouterr().err
    assert _contents(other) == {"thesis.tex"}


def test_bad_data_does_not_replace_a_run(moons, train, capsys):
    before = _snapshot(moons)
    assert train("--overwrite", "--data", "none.csv", "--output", moons) == 2
    assert "does not exist" in capsys.readouterr().err
    assert _snapshot(moons) == before


BAD = {
    "model": (["--model", "real-nvt"], "Did you mean 'real-nvp'?"),
    "no model near": (["--model", "qqq"], "Models: real-nvp, glow"),
    "data": (["--data", "two-mons"], "Did you mean 'two-moons'"),
    "text column": (["--data", "{people}"], "'sex' (first 'm' at row 0)"),
    "column": (["--data", "{people}", "--columns", "height,weight_kg"], "Did you mean 'height_cm'"),
    "one column": (
        ["--data", "{people}", "--columns", "height_cm"],
        "--model autoregressive-flow. Received: --model real-nvp",
    ),
    "angle": (
        ["--data", "{people}", "--context", "sex", *SPLINE, "--circular", "height"],
        "Did you mean 'height_cm' or",
    ),
    "no file": (["--data", "none.parquet"], "does not exist"),
    "not finite": (["--data", "{nan}"], "3 that are not"),
    "column name of an array": (["--data", "{nan}", "--columns", "a,b"], "chosen by index"),
    "columns of a toy": (["--columns", "a,b"], "Only a table from a file takes --columns"),
    "size of a file": (
        ["--data", "{people}", "--num-train", "9"],
        "Only a toy density or a published set takes",
    ),
    "one layer": (["--num-layers", "1"], "at least 2"),
    "one bin": (["--model", "neural-spline-flow", "--bins", "1"], "--bins must be an integer of at least 2"),
    "option of another model": (
        ["--model", "neural-spline-flow", "--parallel", "forward"],
        "--bins. Received: --parallel",
    ),
    "no run to resume": (["--resume"], "which does not exist"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(case, people, train, tmp_path, capsys):
    table = np.ones([20, 2])
    table[3, :] = table[5, 0] = np.nan
    np.save(tmp_path / "nan.npy", table)
    options, message = BAD[case]
    options = [option.format(people=people, nan=tmp_path / "nan.npy") for option in options]
    assert train(*options, "--output", tmp_path / "run") == 2
    err = capsys.readouterr().err
    assert err.startswith("tfflows: error: ") and err.count("\n") == 1 and message in err
    assert _contents(tmp_path) == {"nan.npy"}


@pytest.mark.parametrize(
    ("model", "data", "options"),
    [
        ("neural-spline-flow", "eight-gaussians", ["--bins", 4, "--kind", "autoregressive", "--num-train", 1000]),
        pytest.param("neural-spline-flow", "wine", ["--bins", 4], marks=pytest.mark.slow),  # like those beside it
        ("autoregressive-flow", "wine", ["--parallel", "forward"]),
    ],
)
def test_density_estimators(tmp_path, train, model, data, options):
    run = tmp_path / "run"
    assert train("--model", model, "--data", data, "--epochs", 1, *options, "--output", run) == 0
    assert _contents(run) >= ALWAYS and _finite(json.loads((run / "metrics.json").read_text()))
    flow = models.load_model(run / "model.keras")
    assert flow.conditional == (data == "wine")
    assert getattr(flow, options[0][2:]) == options[1]


def test_curves_for_tensorboard_and_heads_of_figures(train, tmp_path, monkeypatch):
    heads = []
    saved = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (heads.append(self.get_suptitle()), saved(self, *a, **k))
    )
    folder = tmp_path / "run"
    assert train("--data", "wine", "--no-conditional", "--epochs", 1, "--tensorboard", "--output", folder) == 0
    assert {path.name for path in (folder / "tensorboard").iterdir()} == {"train", "validation"}
    metrics = json.loads((folder / "metrics.json").read_text())
    head = f"RealNVP, wine: test {metrics['test_nats']:.4f} ± {metrics['test_standard_error']:.4f} nats"
    assert sorted(heads) == [head, head, f"{head}; 4 of 13 columns"]


@pytest.mark.parametrize("context", [None, pytest.param("age", marks=pytest.mark.slow)])
def test_one_column_goes_all_the_way(context, train, tmp_path, capsys):
    rng, run, data = np.random.default_rng(0), tmp_path / "run", tmp_path / "people.csv"
    age = rng.uniform(size=400)
    height = np.where(rng.random(400) < 0.4, 165, 185) + 10 * age + 3 * rng.normal(size=400)
    data.write_text("\n".join(["height_cm,age", *(f"{h},{a}" for h, a in zip(height, age))]) + "\n")
    given = () if context is None else ("--context", context)
    options = ("--data", data, "--columns", "height_cm", *given, "--epochs", 1)
    assert train(*options, *SPLINE, "--bins", 4, "--kind", "autoregressive", "--output", run) == 0
    assert _contents(run) == ALWAYS | PLANE
    config = json.loads((run / "config.json").read_text())["data"]
    assert config["columns"] == ["height_cm"] and config["event_shape"] == [1]
    value = () if context is None else ("--context-value", "0.5")
    for command in (("evaluate", run), ("score", run, "--data", data), ("sample", run, "-n", 30, *value)):
        assert main(list(map(str, command))) == 0
    samples = np.genfromtxt(run / "samples.csv", names=True, delimiter=",")
    assert samples.dtype.names == ("height_cm", *([context] if context else [])) and samples.shape == (30,)
    assert 100 < samples["height_cm"].min() and (context is None or (samples[context] == 0.5).all())
    assert len((run / "scores.csv").read_text().splitlines()) == 401
    capsys.readouterr()
    assert train(*options, "--output", tmp_path / "no") == 2
    assert "One column to model needs --model neural-spline-flow --kind autoregressive" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["speed", pytest.param(None, marks=pytest.mark.slow)])
def test_columns_that_are_angles(speed, train, tmp_path):
    rng, run, data = np.random.default_rng(0), tmp_path / "run", tmp_path / "wind.csv"
    hour, columns = rng.vonmises(2, 3, 300) * 12 / np.pi % 24, ["hour", *([speed] if speed else []), "direction"]
    rows = [f"{h},{s},{15 * h + 5}" for h, s in zip(hour, rng.normal(size=300))]
    data.write_text("\n".join(["hour,speed,direction", *rows]) + "\n")
    options = ("--data", data, *SPLINE, "--circular", "direction,hour", "--epochs", 1, "--bins", 4)
    assert train(*options, "--columns", ",".join(columns), "--period", "360,24", "--output", run) == 0
    flow, x = models.load_model(run / "model.keras"), np.full([1, len(columns)], 0.5, "float32")
    assert flow.circular == (len(columns) - 1, 0) and tuple(flow.period) == (360.0, 24.0)
    moved = x + np.float32([24, *([0] if speed else []), -720])
    np.testing.assert_allclose(flow.log_prob(moved), flow.log_prob(x), atol=1e-3)
    assert _contents(run) == ALWAYS | PLANE - {"density.png" if speed else "latents.png"}
    assert train(*options, "--columns", "hour,speed", "--output", tmp_path / "no") == 2


@pytest.mark.slow
def test_vectors_take_tails_and_whitening(train, people, tmp_path):
    options = ("--data", people, "--columns", "height_cm,weight_kg", "--epochs", 1, "--tails", "--whiten")
    assert train(*options, "--output", tmp_path / "run") == 0
    flow = models.load_model(tmp_path / "run" / "model.keras")
    assert flow.tails and flow.whiten and flow.adapted
