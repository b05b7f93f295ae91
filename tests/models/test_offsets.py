"""Columns whose spread float32 loses, Unix seconds say, are fitted by a flow of the default dtype."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.cli.main import main
from tfflows.datasets.tables.files import from_file
from tfflows.models import AutoregressiveFlow, NeuralSplineFlow, RealNVP, load_model

rng = np.random.default_rng(0)
NORMAL = rng.normal(size=(2000, 2))
X = NORMAL * [50, 1] + [1.6e9, 0]
NATS = np.log(50) + np.log(2 * np.pi * np.e)
SMALL = {"num_layers": 2, "hidden_units": (4,), "seed": 0}


@pytest.fixture(scope="module")
def fitted():
    """A flow after a short `fit` of arrays, part of which validate."""
    flow = RealNVP(**SMALL)
    flow.compile("adam")
    history = flow.fit(X, epochs=2, validation_split=0.1, verbose=0).history
    np.testing.assert_allclose([history["loss"], history["val_loss"]], NATS, atol=0.1)
    return flow


def test_density_and_samples(fitted):
    density = fitted.log_prob(X)
    np.testing.assert_allclose(-np.mean(density), NATS, atol=0.1)
    np.testing.assert_allclose(fitted.evaluate(X, verbose=0), -np.mean(density), atol=1e-9)
    np.testing.assert_allclose(fitted.predict(X, verbose=0), density, atol=1e-6)
    np.testing.assert_allclose(fitted.distribution.log_prob(X), density, atol=1e-9)
    np.testing.assert_allclose(fitted.decode(fitted.encode(X)), X, rtol=0, atol=1e-5)
    samples = fitted.sample(5000, seed=0).numpy()
    # By chance 0.017 pairs are alike: of float64 at 1.6e9, 2.4e-7 apart. In float32 there would be 9 values.
    assert samples.dtype == "float64" and len(np.unique(samples[:, 0])) > 4997
    np.testing.assert_allclose(samples.mean(0), [1.6e9, 0], rtol=0, atol=4)
    np.testing.assert_allclose(samples.std(0), [50, 1], rtol=0.05)
    assert {v.dtype for v in fitted.trainable_variables} == {"float32"}


def test_files_and_copies(fitted, tmp_path):
    wanted = fitted.log_prob(X[:50])
    fitted.save(tmp_path / "flow.keras")
    fitted.save_weights(tmp_path / "flow.weights.h5")
    loaded = [RealNVP((2,), **SMALL), RealNVP((2,), **SMALL), load_model(tmp_path / "flow.keras")]
    loaded[0].load_weights(tmp_path / "flow.weights.h5")
    loaded[1].set_weights(fitted.get_weights())
    for flow in loaded:
        np.testing.assert_array_equal(flow.log_prob(X[:50]), wanted)
    assert loaded[2].evaluate(X[:50], verbose=0) == pytest.approx(-np.mean(wanted))
    np.testing.assert_allclose(fitted.with_precision("mixed_bfloat16").log_prob(X[:50]), wanted, atol=1e-6)
    fitted.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(served.log_prob(X[:50]), wanted, atol=1e-9)


@pytest.mark.parametrize("model", [NeuralSplineFlow, AutoregressiveFlow])
def test_offset_does_not_matter(model):
    centred, there = (model((2,), **SMALL) for _ in range(2))
    centred.adapt(NORMAL * [50, 1])
    there.adapt(X)
    np.testing.assert_allclose(there.log_prob(X), centred.log_prob(X - [1.6e9, 0]), atol=1e-4)
    assert (centred.distribution.dtype, there.distribution.dtype) == (tf.float32, tf.float64)


def test_streams_and_contexts():
    flow = RealNVP((2,), context_size=1, **SMALL)
    flow.compile("adam")
    flow.log_prob(NORMAL, NORMAL[:, :1])  # in float32
    flow.fit(tf.data.Dataset.from_tensor_slices((X, NORMAL[:, :1])).batch(500), verbose=0)
    np.testing.assert_allclose(-np.mean(flow.log_prob(X, NORMAL[:, :1])), NATS, atol=0.1)
    flow = RealNVP(**SMALL)
    flow.compile("adam")
    flow.fit((X[i : i + 500] for i in range(0, 2000, 500)), verbose=0)
    np.testing.assert_allclose(-np.mean(flow.log_prob(X)), NATS, atol=0.1)


def test_a_flow_that_is_adapted_to_other_data_refuses_them():
    flow = RealNVP(**SMALL)
    flow.adapt(NORMAL)
    flow.compile("adam")
    weights = flow.get_weights()
    with pytest.raises(ValueError, match=r"`x` must keep its spread in float32. Received: column 0 around 1.6e\+09"):
        flow.fit(X, verbose=0)
    assert flow.distribution.dtype == tf.float32
    for before, after in zip(weights, flow.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    flow = RealNVP(**SMALL)
    flow.adapt(NORMAL * 1e6 + 1e3)
    assert flow.log_prob(NORMAL).dtype == tf.float32


def _csv(folder):
    np.savetxt(folder / "log.csv", X[:400], "%.17g", ",", header="time,height", comments="")
    return folder / "log.csv"


def test_a_file_keeps_what_float32_would_lose(tmp_path):
    data = from_file(_csv(tmp_path))
    assert data.train.dtype == data.test.dtype == np.float64
    found = np.concatenate([data.train, data.validation, data.test])
    np.testing.assert_array_equal(np.sort(found, 0), np.sort(X[:400], 0))
    batch = next(iter(data.batches("train", batch_size=10, seed=0)))
    assert batch.dtype == tf.float64
    assert from_file(_csv(tmp_path), columns="height").train.dtype == np.float32
    assert from_file(_csv(tmp_path), columns="height", context="time").context_train.dtype == np.float64


def test_a_file_is_read_as_the_flow_wants_it(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("time,height,city\n1700000033,1.5,Oslo\n")  # a row without a spread of its own
    options = {"columns": ["time", "height"], "fractions": None}
    assert int(from_file(path, **options).test[0, 0]) != 1700000033
    assert from_file(path, **options, dtype="float64").test[0, 0] == 1700000033
    found = from_file(path, columns="height", context=["time", "city"], fractions=None, dtype="float32")
    assert found.test.dtype == np.float32 and found.context_test[0].tolist() == [1700000033, 1]


def test_weights_of_float32_data_stay_float32():
    x = np.random.default_rng(0).normal(size=(200, 3)).astype("float32") * [1, 5, 0] + [0, 1e6, 7]
    flow = RealNVP((3,), num_layers=2, hidden_units=(4,))
    flow.adapt(x.astype("float32"))
    flow.set_weights(flow.get_weights())
    assert flow.density_dtype == "float32"


@pytest.mark.slow
def test_the_command_line_takes_such_a_file(tmp_path):
    run = str(tmp_path / "run")
    options = ("--num-layers", "2", "--hidden-units", "4", "--epochs", "2", "--output", run)
    assert main(["train", "--data", str(_csv(tmp_path)), *options]) == 0
    assert main(["score", run, "--data", str(_csv(tmp_path)), "--out", f"{run}/scores.csv"]) == 0
    scores = np.loadtxt(f"{run}/scores.csv", skiprows=1)
    np.testing.assert_allclose(-scores.mean(), NATS, atol=0.2)
    assert main(["sample", run, "-n", "500", "--out", f"{run}/samples.csv"]) == 0
    samples = np.loadtxt(f"{run}/samples.csv", delimiter=",", skiprows=1)
    assert len(np.unique(samples[:, 0])) == 500
    np.testing.assert_allclose(samples.std(0), [50, 1], rtol=0.3)
