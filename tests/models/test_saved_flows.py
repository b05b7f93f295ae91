"""Saved flows give the same answers, bit by bit, in another process."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.models import FlowModel, RealNVP, load_model

DATA = (np.random.default_rng(0).normal(size=(300, 3)) * 3 + 1).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 4, 300).astype("int32")


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    flow = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), num_classes=4, residual=True)
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(DATA, LABELS, epochs=3, verbose=0)
    return flow


def native():
    """TFP's own bijector and base, with variables of their own."""
    scale = tfp.util.TransformedVariable(tf.fill([3], 1.0), tfp.bijectors.Softplus(), name="positive")
    base = tfp.distributions.MultivariateNormalDiag(tf.Variable(tf.zeros(3)), scale)
    shift = tfp.bijectors.Shift(tf.Variable([1.0, -2.0, 0.5]))
    return FlowModel(tfp.distributions.TransformedDistribution(base, shift))


def test_keras_files_in_a_new_process(trained, tmp_path):
    trained.save(tmp_path / "flow.keras")
    native().save(tmp_path / "native.keras")
    np.savez(tmp_path / "data.npz", x=DATA, c=LABELS)
    code = (
        "import keras, numpy as np, tfflows\n"
        f"d = np.load(r'{tmp_path}/data.npz')\n"
        "for name, context in (('flow', d['c']), ('native', None)):\n"
        f"  flow = keras.saving.load_model(rf'{tmp_path}/{{name}}.keras')\n"
        f"  np.save(rf'{tmp_path}/{{name}}.npy', flow.log_prob(d['x'], context).numpy())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    np.testing.assert_array_equal(np.load(tmp_path / "flow.npy"), trained.log_prob(DATA, LABELS))
    np.testing.assert_array_equal(np.load(tmp_path / "native.npy"), native().log_prob(DATA))


def test_training_goes_on_after_loading(trained, tmp_path):
    trained.save(tmp_path / "flow.keras")
    loaded = load_model(tmp_path / "flow.keras")
    assert int(loaded.optimizer.iterations) == int(trained.optimizer.iterations)
    for mine, theirs in zip(loaded.optimizer.variables, trained.optimizer.variables):
        np.testing.assert_array_equal(mine, theirs)
    loaded.fit(DATA, LABELS, verbose=0)
    assert loaded.adapted


def test_weights_file_and_checkpoint(trained, tmp_path):
    trained.save_weights(tmp_path / "flow.weights.h5")
    other = RealNVP.from_config(trained.get_config())
    assert not np.allclose(other.log_prob(DATA, LABELS), trained.log_prob(DATA, LABELS))
    other.load_weights(tmp_path / "flow.weights.h5")
    np.testing.assert_array_equal(other.log_prob(DATA, LABELS), trained.log_prob(DATA, LABELS))
    for part in ("bijector", "distribution", None):
        held = trained if part is None else getattr(trained, part)
        path = tf.train.Checkpoint(held=held).save(str(tmp_path / f"checkpoint_{part}"))
        fresh = RealNVP.from_config(trained.get_config())
        target = fresh if part is None else getattr(fresh, part)
        tf.train.Checkpoint(held=target).restore(path).assert_existing_objects_matched()
        np.testing.assert_array_equal(fresh.log_prob(DATA, LABELS), trained.log_prob(DATA, LABELS))


def test_flows_of_reals_have_no_endpoint_for_integers(trained, tmp_path):
    trained.export(tmp_path / "saved")
    served = set(tf.saved_model.load(str(tmp_path / "saved")).signatures)
    assert served == {"serving_default", "log_prob", "sample", "forward", "inverse"}
