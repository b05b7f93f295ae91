"""`tfflows.datasets.batching`: order, sizes, and pipelines that nobody tunes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tfflows.datasets import batching


def test_in_order_keeps_examples_and_their_order():
    x, labels = np.arange(14.0).reshape(7, 2), np.arange(7)
    batches = batching.in_order((x, labels), 3)
    assert [len(first) for first, _ in batches] == [3, 3, 1]
    assert int(batches.cardinality()) == 3
    np.testing.assert_array_equal(np.concatenate([first for first, _ in batches]), x)
    np.testing.assert_array_equal(np.concatenate([second for _, second in batches]), labels)


def test_in_order_of_one_small_batch():
    assert [len(x) for (x,) in batching.in_order((np.zeros([2, 3]),), 8)] == [2]


def test_untuned_turns_the_tuning_thread_off_and_keeps_other_options():
    options = tf.data.Options()
    options.deterministic = True
    dataset = batching.untuned(tf.data.Dataset.range(3).with_options(options))
    assert dataset.options().autotune.enabled is False
    assert dataset.options().deterministic is True
    assert list(dataset.as_numpy_iterator()) == [0, 1, 2]


def flow(**options):
    model = tfflows.models.RealNVP((2,), num_layers=2, hidden_units=(8,))
    model.compile("adam", **options)
    return model


def vae():
    networks = (keras.Sequential([keras.layers.Dense(8)]) for _ in range(2))
    model = tfflows.models.VariationalAutoencoder(*networks, tfflows.layers.GaussianPosterior(2))
    model.compile("adam")
    return model


def variational_flow():
    target = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    model = tfflows.models.VariationalFlow(
        target.log_prob, tfflows.bijectors.DiagonalAffine([2], name="affine"), event_shape=(2,)
    )
    model.compile("adam")
    return model


DATA = (np.random.default_rng(0).random((64, 2)) < 0.5).astype("float32")
BITS = np.repeat(DATA, 4, axis=1)
CALLS = {
    "flow, fit": lambda: flow().fit(DATA),
    "flow, fit with XLA": lambda: flow(jit_compile=True).fit(DATA),
    "flow, fit of a pair": lambda: flow().fit((DATA, DATA)),
    "flow, validation_data": lambda: flow().fit(DATA, validation_data=(DATA,)),
    "flow, validation_split": lambda: flow().fit(DATA, validation_split=0.5),
    "flow, evaluate": lambda: flow().evaluate(DATA),
    "flow, evaluate a pair": lambda: flow().evaluate((DATA, DATA)),
    "flow, predict": lambda: flow().predict(np.repeat(DATA, 4, axis=0)),
    "vae, fit": lambda: vae().fit(BITS),
    "vae, validation_data": lambda: vae().fit(BITS, validation_data=BITS),
    "vae, validation_split": lambda: vae().fit(BITS, validation_split=0.5),
    "vae, evaluate": lambda: built(vae()).evaluate(BITS),
    "variational flow, fit": lambda: variational_flow().fit(steps_per_epoch=2, batch_size=4),
    "variational flow, evaluate": lambda: variational_flow().evaluate(steps=2, batch_size=4),
}


def built(model):
    model.build((None, 8))
    return model


@pytest.mark.parametrize("name", CALLS)
def test_no_model_has_keras_iterate_over_a_tuned_pipeline_of_arrays(name, monkeypatch):
    """Letting go of the iterator of a tuned one can take as long as the epoch did."""
    received = []

    def record(self, x=None, *args, validation_data=None, **kwargs):
        received.extend(data for data in (x, validation_data) if data is not None)
        return np.zeros(256)

    for method in ("fit", "evaluate", "predict"):
        monkeypatch.setattr(keras.Model, method, record)
    CALLS[name]()
    assert len(received) == (2 if "validation" in name else 1)
    assert all(data.options().autotune.enabled is False for data in received)


@pytest.mark.parametrize("make", [flow, vae])
def test_arrays_too_large_to_copy_are_left_to_keras(make, monkeypatch):
    model, data, received = make(), DATA if make is flow else BITS, []
    monkeypatch.setattr(batching, "RESIDENT_BYTES", 1)
    history = model.fit(data, batch_size=16, validation_data=(data,), verbose=0).history
    assert np.isfinite(history["loss"]).all() and np.isfinite(history["val_loss"]).all()
    assert np.isfinite(list(model.evaluate(data, verbose=0, return_dict=True).values())).all()
    monkeypatch.setattr(keras.Model, "evaluate", lambda self, *args, **kwargs: received.extend(args))
    model.evaluate(data, batch_size=16)
    assert received[0] is data and received[1:] == [None, 16]


def test_batches_of_a_data_set_are_not_tuned():
    batches = tfflows.datasets.load("wine").batches("train", batch_size=16, seed=0)
    assert batches.options().autotune.enabled is False
