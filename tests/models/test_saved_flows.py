"""Saved flows give the same answers, bit by bit, in another process."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.models import Glow, RealNVP, load_model

DATA = (np.random.default_rng(0).normal(size=(300, 3)) * 3 + 1).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 4, 300).astype("int32")


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    flow = RealNVP(event_shape=(3,), num_layers=3, hidden_units=(16,), num_classes=4, residual=True)
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(DATA, LABELS, epochs=3, verbose=0)
    return flow


def run(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def test_keras_file_in_a_new_process(trained, tmp_path):
    trained.save(tmp_path / "flow.keras")
    np.savez(tmp_path / "data.npz", x=DATA, c=LABELS)
    run(
        "import keras, numpy as np, tfflows\n"
        f"d = np.load(r'{tmp_path}/data.npz')\n"
        f"flow = keras.saving.load_model(r'{tmp_path}/flow.keras')\n"
        f"np.save(r'{tmp_path}/out.npy', flow.log_prob(d['x'], d['c']).numpy())"
    )
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), trained.log_prob(DATA, LABELS))


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


def test_exported_endpoints_without_tfflows(trained, tmp_path):
    trained.export(tmp_path / "saved")
    np.savez(tmp_path / "data.npz", x=DATA, c=LABELS)
    run(
        "import sys, numpy as np, tensorflow as tf\n"
        f"d = np.load(r'{tmp_path}/data.npz'); x, c = d['x'], d['c']\n"
        f"m = tf.saved_model.load(r'{tmp_path}/saved')\n"
        "z = m.inverse(x, c)\n"
        "out = dict(log_prob=m.log_prob(x, c), one=m.log_prob(x[:1], c[:1]), none=m.log_prob(x[:0], c[:0]), z=z,\n"
        "  back=m.forward(z, c), sample=m.sample(5, [0, 3], 0.7, c[:5]),\n"
        "  served=m.signatures['log_prob'](x=tf.constant(x), context=tf.constant(c))['output_0'])\n"
        "assert not any(name.split('.')[0] in ('tfflows', 'keras', 'tensorflow_probability') for name in sys.modules\n"
        "  if name.startswith(('tfflows', 'tensorflow_probability')))\n"
        f"np.savez(r'{tmp_path}/out.npz', **{{k: v.numpy() for k, v in out.items()}})"
    )
    out = np.load(tmp_path / "out.npz")
    expected = trained.log_prob(DATA, LABELS).numpy()
    np.testing.assert_allclose(out["log_prob"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(out["served"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(out["one"], expected[:1], rtol=1e-5, atol=1e-5)
    assert out["none"].shape == (0,)
    np.testing.assert_allclose(out["z"], trained.bijector.inverse(DATA, context=LABELS), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(out["back"], DATA, rtol=1e-4, atol=1e-4)
    sample = trained.sample(5, context=LABELS[:5], seed=3, temperature=0.7)
    np.testing.assert_allclose(out["sample"], sample, rtol=1e-4, atol=1e-4)


def test_exported_image_flow_of_integers_without_tfflows(tmp_path):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(17, size=(40, 4, 4, 1)).astype("uint8")
    labels = (np.arange(40) % 3).astype("int32")
    options = {"num_levels": 1, "steps_per_level": 1, "hidden_filters": 4, "num_classes": 3, "discrete_levels": 17}
    glow = Glow((4, 4, 1), dequantization="variational", **options)
    glow.compile(keras.optimizers.Adam(1e-2))
    glow.fit(images, labels, verbose=0)
    glow.export(tmp_path / "saved")
    y = glow.dequantization(images, seed=1)[0].numpy()
    np.savez(tmp_path / "data.npz", x=images.astype("int32"), y=y, c=labels)
    run(
        "import sys, numpy as np, tensorflow as tf\n"
        f"d = np.load(r'{tmp_path}/data.npz'); x, y, c = d['x'], d['y'], d['c']\n"
        f"m = tf.saved_model.load(r'{tmp_path}/saved')\n"
        "z = m.inverse(y, c)\n"
        "out = dict(discrete=m.discrete_log_prob(x, [0, 5], c), continuous=m.log_prob(y, c), z=z,\n"
        "  back=m.forward(z, c), sample=m.sample(6, [0, 3], 0.7, c[:6]),\n"
        "  served=m.signatures['discrete_log_prob'](\n"
        "    x=tf.constant(x[:7]), seed=tf.constant([0, 5]), context=tf.constant(c[:7]))['output_0'])\n"
        "assert not any(name.split('.')[0] in ('tfflows', 'tensorflow_probability') for name in sys.modules)\n"
        f"np.savez(r'{tmp_path}/out.npz', **{{k: v.numpy() for k, v in out.items()}})"
    )
    out = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(out["discrete"], glow.log_prob(images, labels, seed=5), rtol=1e-5)
    np.testing.assert_allclose(out["served"], glow.log_prob(images[:7], labels[:7], seed=5), rtol=1e-5)
    np.testing.assert_allclose(out["continuous"], glow.log_prob(y, labels), rtol=1e-5)
    np.testing.assert_allclose(out["z"], glow.encode(y, labels), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["back"], y, rtol=1e-4, atol=1e-4)
    assert out["sample"].dtype == np.uint8
    np.testing.assert_array_equal(out["sample"], glow.sample(6, context=labels[:6], seed=3, temperature=0.7))


def test_flows_of_reals_have_no_endpoint_for_integers(trained, tmp_path):
    trained.export(tmp_path / "saved")
    assert set(tf.saved_model.load(str(tmp_path / "saved")).signatures) == {"log_prob", "sample", "forward", "inverse"}
