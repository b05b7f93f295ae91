"""What `import tfflows` costs and requires. Each check runs in its own process."""

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )


def test_imports_neither_matplotlib_nor_datasets_nor_pandas():
    # TFP itself imports tf_keras; ours adds none of these
    heavy = "matplotlib", "tensorflow_datasets", "pandas", "sklearn"
    code = (
        "import sys, tensorflow, keras, tensorflow_probability as tfp; tfp.bijectors, tfp.distributions\n"
        f"before = set(sys.modules)\nimport tfflows\nnew = set(sys.modules) - before\n"
        f"print([name for name in {heavy} if name in new])"
    )
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


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
