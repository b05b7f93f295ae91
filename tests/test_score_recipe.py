"""The Classification Accuracy Score of published images runs on mocked data, as a user would run it."""

import pathlib
import re
import runpy
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "examples" / "classification_accuracy_score.py"


@pytest.mark.slow
def test_cifar10_with_a_residual_network_runs_on_mocked_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--dataset", "cifar10", "--data-dir", str(tmp_path), "--fast"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    output = capsys.readouterr().out
    assert "mocked" in output
    accuracies = [tuple(map(float, found)) for found in re.findall(r"top-1 (\S+) ±.* top-5 (\S+)$", output, re.M)]
    assert len(accuracies) == 2  # of real images, of samples
    assert all(0 <= top_1 <= top_5 <= 1 for top_1, top_5 in accuracies)


def test_the_residual_network_has_twenty_layers():
    make = runpy.run_path(str(SCRIPT))["residual_network"]
    model = make((32, 32, 3), 10)
    main = [layer for layer in model.layers if getattr(layer, "kernel_size", None) == (3, 3)]
    assert len(main) + 1 == 20 and model.output_shape == (None, 10)  # and the dense layer
