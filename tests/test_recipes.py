"""Every published row runs on mocked data, as a user would run it, and a run that was stopped goes on."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from tfflows import datasets

ROOT = pathlib.Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "image_likelihood.py"


def script():
    spec = importlib.util.spec_from_file_location("image_likelihood", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RECIPES = script().RECIPES
# The default row is run by test_examples.py.
ROWS = [pytest.param(*row, marks=pytest.mark.slow) for row in RECIPES]


def run(tmp_path, *options):
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; sys.argv = [{str(SCRIPT)!r}, '--fast', "
    code += f"*{list(options)!r}]; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def bits(output):
    return float(re.search(r"^test bits/dim: (\S+) ", output, re.MULTILINE).group(1))


@pytest.mark.parametrize("dataset, model", ROWS)
def test_published_row_runs_on_mocked_data(dataset, model, tmp_path):
    output = run(tmp_path, "--dataset", dataset, "--model", model)
    assert "mocked" in output
    assert str(RECIPES[dataset, model].bits) in output
    # Random pixels need 8 bits, those of CelebA, averaged down 2.3 to 1 a side, log2(2.3) fewer; an
    # untrained flow needs more, and a broken likelihood may need fewer.
    assert (6.3 if dataset == "celeb_a" else 7.5) < bits(output) < 20


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_mixed_precision(precision, tmp_path):
    output = run(tmp_path, "--mixed-precision", precision)
    assert 7.5 < bits(output) < 20


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(tmp_path):
    options = ("--output", str(tmp_path / "run"))
    first, second = run(tmp_path, *options), run(tmp_path, *options)
    assert "bits_per_dim:" in first and "bits_per_dim:" not in second  # Keras's line of an epoch
    assert bits(first) == pytest.approx(bits(second), abs=0.05)  # new noise on the same images
    assert {"flow.keras", "log.csv", "samples", "training_state.npz"} <= {p.name for p in (tmp_path / "run").iterdir()}


def test_every_row_names_data_that_exist_and_a_recipe_whose_levels_divide_the_images():
    papers = {"glow": 6, "real-nvp": 7}  # rows of table 2 of Glow and of table 1 of RealNVP
    assert {model: sum(m == model for _, m in RECIPES) for model in papers} == papers
    for (_, model), recipe in RECIPES.items():
        assert recipe.data in datasets.tfds_names()
        side = 32 if "32" in recipe.data or "cifar" in recipe.data else 64
        assert side % 2 ** (recipe.levels - (model == "real-nvp")) == 0


def test_warmup_rises_linearly_and_then_stays():
    module = script()
    options = type("Options", (), {"learning_rate": 1e-3, "ema": 0.99, "clip_norm": None})
    recipe = RECIPES["cifar10", "glow"]
    optimizer = module.make_optimizer("glow", recipe, options)
    rate = optimizer._learning_rate
    steps = np.array([0, recipe.warmup // 2, recipe.warmup, recipe.warmup + 1, 100_000])
    np.testing.assert_allclose([float(rate(step)) for step in steps], [0, 5e-4, 1e-3, 1e-3, 1e-3], rtol=1e-5, atol=1e-9)
    assert optimizer.use_ema and optimizer.ema_momentum == 0.99
