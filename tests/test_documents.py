"""What the documents show runs: README blocks and the examples in docstrings."""

import doctest
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import tfflows

ROOT = pathlib.Path(__file__).parent.parent
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(tfflows.__path__, "tfflows.")
    if ">>>" in pathlib.Path(importlib.util.find_spec(name).origin).read_text()
]


BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_readme_blocks_stand_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) >= 9
    for block in BLOCKS:
        names = {}
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
        if "distribution" in names:
            assert len(names["distribution"].trainable_variables) == 6
    assert (tmp_path / "saved_flow" / "saved_model.pb").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_readme_block_in_a_process_of_its_own(block, tmp_path):
    result = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed


def test_ci_runs_the_readme_s_test_command():
    command = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert "pytest" in command.group(1)
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text()
