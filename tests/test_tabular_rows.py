"""Every published row of tabular data runs on mocked data, with the options of its recipe."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "examples" / "tabular_likelihood.py"


def script():
    spec = importlib.util.spec_from_file_location("tabular_likelihood", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = script()


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "model"), EXAMPLE.RECIPES)
def test_row_runs_on_mocked_data(dataset, model, tmp_path):
    code = f"import sys; sys.path.insert(0, {str(SCRIPT.parent.parent)!r}); import runpy; sys.argv = [{str(SCRIPT)!r}, "
    code += f"'--fast', '--dataset', {dataset!r}, '--model', {model!r}]; "
    code += f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    assert f"published: {EXAMPLE.RECIPES[dataset, model].nats}" in result.stdout and "nan" not in result.stdout


def test_rows_cover_the_table():
    datasets = {dataset for dataset, _ in EXAMPLE.RECIPES}
    assert {(dataset, model) for dataset in datasets for model in ("maf-5", "maf-10", "nsf")} == set(EXAMPLE.RECIPES)
    assert datasets == set(EXAMPLE.SIZES) == set(EXAMPLE.datasets.tabular_names())
