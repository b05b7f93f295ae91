"""What `import tfflows` costs and requires. Each check runs in its own process."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

ARCHIVES = pathlib.Path(__file__).parent / "models" / "written_before"


def run(code, arguments=(), **environment):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


@pytest.fixture
def keras_files(tmp_path):
    """A folder with a .keras file of every model."""
    for path in ARCHIVES.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            (tmp_path / f"{path.stem}.keras").write_bytes(archive.read("model.keras"))
    return tmp_path


@pytest.mark.slow
def test_adds_at_most_a_second_to_its_dependencies():
    code = (
        "import time, tensorflow, keras, tensorflow_probability as tfp; tfp.bijectors.Chain, tfp.distributions.Normal\n"
        "start = time.process_time(); import tfflows; print(time.process_time() - start)"
    )
    assert min(float(run(code).stdout) for _ in range(3)) <= 1.0


def test_another_keras_backend_is_refused_in_one_sentence():
    stub = "import keras, keras.backend as b; b.backend = lambda: 'jax'; keras.backend.backend = b.backend\n"
    result = run(stub + "import tfflows")
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: tfflows needs Keras on the TensorFlow backend") and last.endswith("'jax'")


READ = """
import pathlib, sys
import tfflows
import keras
folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.keras")):
    assert type(keras.saving.load_model(path)).__module__.startswith("tfflows."), path
inputs = keras.Input((4,))
functional = keras.Model(inputs, tfflows.layers.IAFPosterior(2, num_flows=1, hidden_units=(4,))(inputs))
functional.save(folder / "functional.keras")
"""
# TFP itself imports tf_keras; ours adds none of these
IMPORT = """
import pathlib, sys
import keras, tensorflow, tensorflow_probability as tfp; tfp.bijectors, tfp.distributions
before = set(sys.modules)
import tfflows
added = set(sys.modules) - before
print([name for name in ("matplotlib", "tensorflow_datasets", "pandas", "sklearn") if name in added])
"""
READ_PARTS = """
assert len(keras.saving.load_model(pathlib.Path(sys.argv[1]) / "functional.keras").layers) == 2
for home, name in (("losses", "NegativeLogLikelihood"), ("metrics", "BitsPerDimension")):
    config = {"class_name": name, "registered_name": f"tfflows.{home}>{name}", "config": {"name": "a"}}
    found = keras.saving.deserialize_keras_object({**config, "module": f"tfflows.{home}"})
    assert isinstance(found, getattr(getattr(tfflows, home), name))
assert all(getattr(tfflows, name) for name in tfflows.__all__) and tfflows.callbacks.SampleGrids
"""


def test_files_are_read_in_a_fresh_process(keras_files):
    """Keras 3.15 imports no module of a file's classes: they must be registered by `import tfflows` alone.

    Which itself imports neither matplotlib nor datasets nor pandas.
    """
    for code, printed in ((READ, ""), (IMPORT + READ_PARTS, "[]\n")):
        result = run(code, arguments=[keras_files])
        assert result.returncode == 0, result.stderr
        assert result.stdout == printed


def test_the_command_loads_everything_at_the_first_use(keras_files):
    code = (
        "import sys; path = sys.argv[1]; sys.argv[0] = '/bin/tfflows'; import tfflows\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules) and set(tfflows.__all__) <= set(dir(tfflows))\n"
        "assert not hasattr(tfflows, 'nothing')\n"
        "print(type(tfflows.models.load_model(path)).__name__, hasattr(tfflows, 'bridge'))"
    )
    result = run(code, arguments=[keras_files / "flow_model.keras"])  # it holds bijectors that no model imports
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["FlowModel", "True"]


COMMAND = "import sys; sys.argv[0] = 'tfflows'; from tfflows import models"


@pytest.mark.parametrize("imports", ["import tfflows", COMMAND])
def test_another_backend_in_the_environment_is_refused(imports):
    result = run(imports, KERAS_BACKEND="jax")  # which need not be installed
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: tfflows needs Keras on the TensorFlow backend") and last.endswith("'jax'")
