"""Replicas train as one device: per-example losses, reduced as Keras reduces its own. In a process of their own."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

START = """
import json, sys, keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
# First, before TensorFlow has run anything: several workers ask for that.
strategy = tf.distribute.MultiWorkerMirroredStrategy() if sys.argv[1] == "workers" else None
strategy = strategy or tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from tfflows.layers import GaussianPosterior
from tfflows.models import RealNVP, VariationalAutoencoder
"""

FLOW = """
data = (np.random.default_rng(0).normal(size=(600, 3)) * 3 + 1).astype("float32")

def made():
    flow = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0)
    flow.adapt(data)
    flow.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    return flow

def fitted(flow):
    losses = flow.fit(data, batch_size=200, shuffle=False, epochs=3, verbose=0).history["loss"]
    return {"losses": losses, "weights": [w.numpy().tolist() for w in flow.trainable_variables]}

one, several = fitted(made()), {}
with strategy.scope():
    several["inside"] = fitted(made())
    flow = made()
if sys.argv[1] == "replicas":
    several["outside"] = fitted(flow)
print(json.dumps([one, several, strategy.num_replicas_in_sync]))
"""


def run(program, kind):
    """What a program prints last, a line for each of its parts."""
    environment = dict(os.environ)
    if kind == "workers":
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        cluster = {"cluster": {"worker": [f"localhost:{port}"]}, "task": {"type": "worker", "index": 0}}
        environment["TF_CONFIG"] = json.dumps(cluster)
    command = [sys.executable, "-c", program, kind]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert result.returncode == 0, result.stderr[-2000:]
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("[")]


@pytest.fixture(scope="module")
def replicas():
    """The answers of a flow, an autoencoder and a posterior, from one process."""
    return run(START + FLOW + AUTOENCODER + POSTERIOR + UNEVEN, "replicas")


# `fit` may be called inside or outside of the scope that the flow was made in. A scalar loss fails with workers.
@pytest.mark.parametrize("kind", ["replicas", "workers"])
def test_replicas_agree_with_one_device(kind, request):
    one, several, count = (request.getfixturevalue(kind) if kind == "replicas" else run(START + FLOW, kind))[0]
    assert count == (2 if kind == "replicas" else 1)
    assert set(several) == ({"inside", "outside"} if kind == "replicas" else {"inside"})
    for where, fitted in several.items():
        np.testing.assert_allclose(one["losses"], fitted["losses"], rtol=1e-5, err_msg=where)
        for a, b in zip(one["weights"], fitted["weights"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5, err_msg=where)


AUTOENCODER = """
data = np.random.default_rng(0).integers(2, size=(40, 6)).astype("float32")

def stepped():
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential([keras.Input([6]), keras.layers.Dense(5, activation="tanh")])
    decoder = keras.Sequential([keras.Input([3]), keras.layers.Dense(6, kernel_initializer="zeros")])
    vae = VariationalAutoencoder(encoder, decoder, GaussianPosterior(3, seed=1))
    vae.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    loss = vae.fit(data, batch_size=40, shuffle=False, verbose=0).history["loss"]
    return {"loss": loss, "encoder": encoder.get_weights(), "decoder_bias": decoder.get_weights()[1:]}

one = stepped()
with strategy.scope():
    several = stepped()
print(json.dumps([{k: [np.asarray(a).tolist() for a in v] for k, v in each.items()} for each in (one, several)]))
"""


def test_replicas_train_an_autoencoder_as_one_device(replicas):
    """One step: with a decoder that does not use `z` yet, all but its kernel is the same whatever the draws."""
    one, several = replicas[1]
    for part, values in one.items():
        for a, b in zip(values, several[part], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=part)


POSTERIOR = """
data = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")

def fitted_posterior():
    model = keras.Sequential([keras.layers.Input((3,)), GaussianPosterior(2, seed=0)])
    model.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    losses = model.fit(data, batch_size=20, shuffle=False, epochs=3, verbose=0).history["loss"]
    return model, {"losses": losses, "weights": [w.numpy().tolist() for w in model.trainable_variables]}

_, one = fitted_posterior()
with strategy.scope():
    model, several = fitted_posterior()
    drawn = strategy.run(lambda: model.layers[-1].draw(tf.ones([1, 3]))[0])
print(json.dumps([one, several, [z.numpy().tolist() for z in strategy.experimental_local_results(drawn)]]))
"""


def test_replicas_train_a_posterior_as_one_device_and_do_not_share_their_noise(replicas):
    one, several, drawn = replicas[2]
    np.testing.assert_allclose(one["losses"], several["losses"], rtol=1e-5)  # the closed form sees no noise
    for a, b in zip(one["weights"], several["weights"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert not np.isclose(*drawn).any()


UNEVEN = """
data, w = np.float32([[1, 2], [2, 1], [3, 5], [4, 4], [9, 0]]), np.float32([1, 2, 3, 4, 5])

def fitted_unevenly(batch_size):
    flow = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(4,), seed=0)
    flow.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    loss = flow.fit(data, sample_weight=w, batch_size=batch_size, shuffle=False, verbose=0).history["loss"]
    evaluated = flow.evaluate(data, sample_weight=w, batch_size=batch_size, verbose=0)
    return {"loss": [*loss, evaluated], "weights": [w.numpy().tolist() for w in flow.trainable_variables]}

sizes = 5, 4  # of batches, the last of which have 3 and 2 examples for the replicas, and 1 and none
one = [fitted_unevenly(size) for size in sizes]
with strategy.scope():
    several = [fitted_unevenly(size) for size in sizes]
print(json.dumps([one, several]))
"""


def test_batches_that_do_not_fill_the_replicas_count_by_examples(replicas):
    for one, several in zip(*replicas[3], strict=True):
        np.testing.assert_allclose(one["loss"], several["loss"], rtol=1e-5)
        for a, b in zip(one["weights"], several["weights"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
