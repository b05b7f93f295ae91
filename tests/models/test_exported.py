"""Exported models answer in a process that has TensorFlow alone: all of them in one, for starting it takes long."""

import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from tfflows.layers import GaussianPosterior
from tfflows.models import Glow, RealNVP, TransformerFlow, VariationalAutoencoder

PROGRAM = """
import pathlib, sys
import numpy as np, tensorflow as tf

def flow(m, x, c):
    z = m.inverse(x, c)
    served = m.signatures["log_prob"](x=tf.constant(x), context=tf.constant(c))["output_0"]
    return dict(log_prob=m.log_prob(x, c), one=m.log_prob(x[:1], c[:1]), none=m.log_prob(x[:0], c[:0]), z=z,
                back=m.forward(z, c), sample=m.sample(5, [0, 3], 0.7, c[:5]), served=served)

def images(m, x, y, c):
    z = m.inverse(y, c)
    given = dict(x=tf.constant(x[:7]), seed=tf.constant([0, 5]), context=tf.constant(c[:7]))
    return dict(discrete=m.discrete_log_prob(x, [0, 5], c), continuous=m.log_prob(y, c), z=z, back=m.forward(z, c),
                sample=m.sample(6, [0, 3], 0.7, c[:6]), served=m.signatures["discrete_log_prob"](**given)["output_0"])

def transformer(m, c):
    samples = m.sample(5, tf.constant([3, 4]), 1.0, c)
    y = tf.cast(samples, tf.float32) + 0.5
    return dict(sample=samples, y=y, back=m.forward(m.inverse(y, c), c))

def autoencoder(m, x):
    z = m.encode(x, [0, 3])
    return dict(z=z, back=m.decode(z), sample=m.sample(5, [0, 4], 0.7), weights=m.log_weights(x, 3, [0, 5]))

folder = pathlib.Path(sys.argv[1])
for answers in (flow, images, transformer, autoencoder):
    name = answers.__name__
    found = answers(tf.saved_model.load(str(folder / name)), **np.load(folder / f"{name}_data.npz"))
    np.savez(folder / f"{name}_out.npz", **{key: value.numpy() for key, value in found.items()})
assert not {"tfflows", "tensorflow_probability"} & {name.split(".")[0] for name in sys.modules}
"""


def shaken(model, by=0.05):
    """A model with no weight where it starts: the last layers of networks start at 0."""
    for i, weight in enumerate(model.trainable_variables):
        weight.assign_add(keras.random.normal(weight.shape, stddev=by, seed=i))
    return model


def flow(folder):
    x = (np.random.default_rng(0).normal(size=(300, 3)) * 3 + 1).astype("float32")
    c = np.random.default_rng(1).integers(0, 4, 300).astype("int32")
    made = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), num_classes=4, residual=True)
    made.adapt(x, c)
    np.savez(folder / "flow_data.npz", x=x, c=c)
    shaken(made, by=0.2).export(folder / "flow")
    expected = made.log_prob(x, c).numpy()

    def check(log_prob, served, one, none, z, back, sample):
        np.testing.assert_allclose(log_prob, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(served, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(one, expected[:1], rtol=1e-5, atol=1e-5)
        assert none.shape == (0,)
        np.testing.assert_allclose(z, made.bijector.inverse(x, context=c), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(back, x, rtol=1e-4, atol=1e-4)
        drawn = made.sample(5, context=c[:5], seed=3, temperature=0.7)
        np.testing.assert_allclose(sample, drawn, rtol=1e-4, atol=1e-4)

    return check


def images(folder):
    x, c = np.random.default_rng(0).integers(17, size=(40, 4, 4, 1)).astype("uint8"), np.arange(40, dtype="int32") % 3
    options = {"num_levels": 1, "steps_per_level": 1, "hidden_filters": 4, "num_classes": 3, "discrete_levels": 17}
    glow = Glow((4, 4, 1), dequantization="variational", seed=0, **options)
    glow.adapt(x, c)
    shaken(glow).export(folder / "images")
    y = glow.dequantization(x, seed=1)[0].numpy()
    np.savez(folder / "images_data.npz", x=x.astype("int32"), y=y, c=c)

    def check(discrete, served, continuous, z, back, sample):
        np.testing.assert_allclose(discrete, glow.log_prob(x, c, seed=5), rtol=1e-5)
        np.testing.assert_allclose(served, glow.log_prob(x[:7], c[:7], seed=5), rtol=1e-5)
        np.testing.assert_allclose(continuous, glow.log_prob(y, c), rtol=1e-5)
        np.testing.assert_allclose(z, glow.encode(y, c), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(back, y, rtol=1e-4, atol=1e-4)
        assert sample.dtype == np.uint8
        np.testing.assert_array_equal(sample, glow.sample(6, context=c[:6], seed=3, temperature=0.7))

    return check


def transformer(folder):
    x = np.random.default_rng(0).integers(256, size=(64, 4, 4, 2)).astype("uint8")
    options = {"patch_size": 2, "num_flows": 1, "num_blocks": 1, "units": 8, "num_heads": 2, "num_classes": 3}
    made = TransformerFlow((4, 4, 2), seed=0, **options)
    made.adapt(x, np.arange(64) % 3)
    shaken(made).export(folder / "transformer")
    c = np.arange(5, dtype="int32") % 3
    np.savez(folder / "transformer_data.npz", c=c)

    def check(sample, y, back):
        np.testing.assert_array_equal(sample, made.sample(5, context=c, seed=tf.constant([3, 4])))
        np.testing.assert_allclose(back, y, atol=0.01)

    return check


def autoencoder(folder):
    x = np.random.default_rng(0).integers(2, size=(200, 6)).astype("float32")
    encoder = keras.Sequential([keras.layers.Dense(16, activation="relu")])
    vae = VariationalAutoencoder(encoder, keras.layers.Dense(6), GaussianPosterior(2, seed=0))
    vae.build(x.shape)
    shaken(vae).export(folder / "autoencoder")
    np.savez(folder / "autoencoder_data.npz", x=x)

    def check(z, back, sample, weights):
        np.testing.assert_allclose(z, vae.encode(x, seed=3), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(back, vae.decode(z), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(sample, vae.sample(5, seed=4, temperature=0.7))
        np.testing.assert_allclose(weights, vae.log_weights(x, num_samples=3, seed=5), rtol=1e-4, atol=1e-4)

    return check


def test_answers_without_tfflows(tmp_path):
    checks = {make.__name__: make(tmp_path) for make in (flow, images, transformer, autoencoder)}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-2000:]
    for name, check in checks.items():
        check(**np.load(tmp_path / f"{name}_out.npz"))
