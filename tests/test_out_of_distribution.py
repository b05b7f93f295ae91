"""The pairs of the example: what each loads, the published ones from mocked data, and that each runs."""

import importlib.util
import pathlib
import re
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfflows.evaluation import detection, scores

SCRIPT = pathlib.Path(__file__).parent.parent / "examples" / "out_of_distribution.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("out_of_distribution", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PUBLISHED = {"cifar10-svhn": ((32, 32, 3), "svhn_cropped"), "fashion_mnist-mnist": ((28, 28, 1), "mnist")}


@pytest.mark.parametrize("pair", PUBLISHED)
def test_published_pairs_are_loaded_from_mocked_data(script, pair, tmp_path):
    shape, other = PUBLISHED[pair]
    with tfds.testing.mock_data(num_examples=30):
        train, validation, test, others = script.load(pair, 8, data_dir=str(tmp_path))
    assert train.shape[1:] == shape and validation.shape == test.shape == (8, *shape)
    assert list(others) == [other] and others[other].shape == (8, *shape)
    assert {each.dtype for each in (train, validation, test, others[other])} == {np.dtype("uint8")}


def test_the_pair_without_a_download(script):
    train, validation, test, others = script.load("patches", 50)
    assert train.shape[1:] == validation.shape[1:] == (16, 16, 1) and len(test) == 50
    assert list(others) == list(script.CROPS)
    assert {each.shape for each in others.values()} == {(50, 16, 16, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("pair", PUBLISHED)
def test_published_pairs_run(script, pair, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--fast", "--pair", pair, "--output", str(tmp_path)])
    script.main()
    printed = capsys.readouterr().out
    assert len(re.findall(rf"^{PUBLISHED[pair][1]} .*\[0\.\d+, [01]\.\d+\]$", printed, re.MULTILINE)) == 9
    assert {path.name for path in tmp_path.iterdir()} == {"bits_per_dim.png", "roc.png"}


@pytest.mark.slow
def test_the_published_failure_and_its_correction(script):
    """Smooth images are more likely than the photographs of the kind that was trained on; not beyond their code."""
    train, validation, test, others = script.load("patches", 500)
    flow, _ = script.trained(train, script.SMALL, seed=0)
    area = {}
    for name, score in {"likelihood": scores.Likelihood(), "complexity": scores.InputComplexity()}.items():
        score.fit(flow, validation)
        area[name] = detection(score.score(test), score.score(others["moon"])).auroc
    assert area["likelihood"].high < 0.2 and area["complexity"].low > 0.9
