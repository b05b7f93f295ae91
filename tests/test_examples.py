"""Every example runs, smaller, as a user would run it."""

import pathlib
import re
import runpy
import subprocess
import sys

import pytest

EXAMPLES = sorted((pathlib.Path(__file__).parent.parent / "examples").glob("*.py"))
LESS = {"export_saved_models": ["--only", "two_moons_real_nvp"]}  # of a Glow: tests/models/test_exported.py
every_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def _assert_ends_with_a_number(output):
    last = output.strip().splitlines()[-1]
    assert re.search(r"-?\d+\.\d+", last) and "nan" not in last


@every_example
def test_example_runs_fast(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "--fast", *LESS.get(path.stem, [])])
    runpy.run_path(str(path), run_name="__main__")
    _assert_ends_with_a_number(capsys.readouterr().out)


@pytest.mark.slow
@every_example
def test_example_runs_fast_in_a_process_of_its_own(path, tmp_path):
    root = str(path.parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); import runpy; sys.argv = [{str(path)!r}, '--fast']; "
    code += f"runpy.run_path({str(path)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    _assert_ends_with_a_number(result.stdout)
