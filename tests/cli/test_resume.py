"""A run that was stopped ends as one that was not."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tfflows import callbacks, models
from tfflows.cli import data, model
from tfflows.cli import main as cli
from tfflows.cli.main import main
from tfflows.cli.run import Run

# Labels, noise, a smaller last batch and a best epoch before the last: all that resuming can get wrong.
DIGITS = ("--data", "digits", "--batch-size", 500, "--epochs", 4, "--learning-rate", 0.1, "--seed", 3)


@pytest.fixture(scope="module")
def uninterrupted(train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(*DIGITS, "--output", folder) == 0
    return folder


@pytest.fixture
def stopped(train, tmp_path, monkeypatch):
    """Trains until Ctrl-C after as many epochs; returns the run folder."""

    def stop(after, *options, train=train, data=DIGITS):
        write = callbacks.TrainingState.on_epoch_end

        def interrupted(self, epoch, logs=None):
            write(self, epoch, logs)
            if epoch + 1 == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(callbacks.TrainingState, "on_epoch_end", interrupted)
            assert train(*data, *options, "--output", tmp_path / "run") == 130
        return tmp_path / "run"

    return stop


def _same(first, second):
    flows = [models.load_model(folder / "model.keras") for folder in (first, second)]
    for a, b in zip(*(flow.get_weights() for flow in flows), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first / "log.csv").read_text() == (second / "log.csv").read_text()
    found = [json.loads((folder / "metrics.json").read_text()) for folder in (first, second)]
    for metrics in found:
        for clock in ("seconds", "train_seconds", "steps_per_second"):
            metrics.pop(clock)
    assert found[0] == found[1]


def test_resumed_equals_uninterrupted_bit_by_bit(uninterrupted, stopped):
    folder = stopped(2)
    assert not (folder / "model.keras").exists()
    with open(folder / "log.csv", "a", encoding="utf-8") as log:
        log.write("7,0.0,0.0\n")  # an epoch that was logged when the kill came before its state
    assert main(["train", "--resume", "--output", str(folder)]) == 0
    _same(uninterrupted, folder)
    assert {path.name for path in folder.iterdir()} == {path.name for path in uninterrupted.iterdir()}


def test_an_image_flow_that_adds_its_own_noise_resumes_bit_by_bit(glow_digits, train_images, stopped):
    options = ("--data", "digits", "--epochs", 3, "--grids-every", 2, "--importance-draws", 2)
    folder = stopped(1, train=train_images, data=options)
    assert main(["train", "--resume", "--output", str(folder)]) == 0
    _same(glow_digits, folder)
    for picture in (glow_digits / "progress").iterdir():
        assert picture.read_bytes() == (folder / "progress" / picture.name).read_bytes()


def test_a_run_killed_before_its_first_epoch_ended_starts_over(uninterrupted, stopped):
    folder = stopped(1)
    (folder / "training_state.npz").unlink()
    config = json.loads((folder / "config.json").read_text())
    for option in ("tails", "tensorboard"):  # as a run of before there were these
        del config["settings"][option]
    (folder / "config.json").write_text(json.dumps(config))
    assert main(["train", "--resume", "--data", "digits", "--output", str(folder)]) == 0
    _same(uninterrupted, folder)


@pytest.mark.parametrize(("name", "beta_2"), [("real-nvp", 0.999), ("autoregressive-flow", 0.99)])
def test_a_run_of_before_keeps_its_recipe(tmp_path, name, beta_2):
    found = []
    for saved in ({"settings": {}}, None):
        options = ["--model", name, "--num-train", "500", "--output", str(tmp_path / "run")]
        run = Run.start(cli.parse(["train", *options]))
        data.load(run)
        run.saved = saved
        model.build(run)
        found.append((run.flow.log_scale_bound, run.flow.optimizer.weight_decay, run.flow.optimizer.beta_2))
    assert found == [("tanh", 0.0, 0.999), (None, 0.03, beta_2)]


def test_other_settings_are_refused_by_name(stopped, capsys):
    folder = stopped(1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    options = ["--seed", "3", "--epochs", "9", "--hidden-units", "4,4"]
    assert main(["train", "--resume", "--output", str(folder), *options]) == 2
    err = capsys.readouterr().err
    assert "epochs: 4 in config.json, 9 asked for; hidden_units: [8] in config.json, [4, 4] asked for" in err
    assert "seed" not in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_other_data_are_refused(train, people, tmp_path, capsys):
    table = tmp_path / "table.csv"
    table.write_text(people.read_text().replace(",f\n", ",1\n").replace(",m\n", ",0\n"))
    assert train("--data", table, "--epochs", 1, "--output", tmp_path / "run") == 0
    table.write_text(table.read_text().replace("150", "151"))
    assert main(["train", "--resume", "--output", str(tmp_path / "run")]) == 2
    assert "data that differ in sha256" in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_killed_at_any_moment_resumes_to_the_same(tmp_path):
    command = [sys.executable, "-m", "tfflows.cli.main", "train", "--num-layers", "2", "--hidden-units", "8"]
    command += ["--data", "digits", "--batch-size", "100", "--epochs", "60", "--output"]
    assert subprocess.run([*command, str(tmp_path / "whole")], capture_output=True).returncode == 0
    cut = tmp_path / "cut"
    for extra in ([], ["--resume"]):
        process = subprocess.Popen([*command, str(cut), *extra], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = len((cut / "log.csv").read_text().splitlines()) if extra else 0
        while not (cut / "log.csv").exists() or len((cut / "log.csv").read_text().splitlines()) < lines + 12:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run([*command, str(cut), "--resume"], capture_output=True).returncode == 0
    _same(tmp_path / "whole", cut)
