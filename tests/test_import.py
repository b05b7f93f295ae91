"""What `import tfflows` costs and requires, in a fresh process."""

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )


# TFP itself imports tf_keras; ours adds none of these.
HEAVY = "matplotlib", "tensorflow_datasets", "pandas", "sklearn"
CODE = f"""
import sys, tensorflow, keras, keras.backend, tensorflow_probability as tfp
tfp.bijectors, tfp.distributions
before, backend = set(sys.modules), keras.backend.backend
keras.backend.backend = lambda: "jax"
try:
    import tfflows
except ImportError as error:
    print(error)
keras.backend.backend = backend
for name in [name for name in sys.modules if name.split(".")[0] == "tfflows"]:
    del sys.modules[name]
import tfflows
print([name for name in {HEAVY} if name in set(sys.modules) - before])
"""


def test_refuses_another_backend_in_one_sentence_and_imports_nothing_heavy():
    result = run(CODE)
    assert result.returncode == 0, result.stderr
    refusal, heavy = result.stdout.strip().splitlines()
    assert refusal.startswith("tfflows needs Keras on the TensorFlow backend") and refusal.endswith("'jax'")
    assert heavy == "[]"


@pytest.mark.slow
def test_adds_at_most_a_second_to_its_dependencies():
    code = (
        "import time, tensorflow, keras, tensorflow_probability as tfp; tfp.bijectors.Chain, tfp.distributions.Normal\n"
        "start = time.process_time(); import tfflows; print(time.process_time() - start)"
    )
    assert min(float(run(code).stdout) for _ in range(3)) <= 1.0
