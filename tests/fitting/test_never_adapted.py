"""A flow that is given raw data, or trained, before it was adapted, says so once; others say nothing."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from tfflows.layers import IAFPosterior
from tfflows.models import Glow, RealNVP, VariationalAutoencoder

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2)).astype("float32")
SMALL = {"num_layers": 2, "hidden_units": (4,), "seed": 0}


def said(function):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        function()
    return [str(each.message) for each in record if "never adapted" in str(each.message)]


def step(flow, x):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(flow.log_prob(x))
    return tape.gradient(loss, flow.trainable_variables)


def test_raw_data_and_contexts():
    flow = RealNVP((2,), **SMALL)
    assert said(lambda: flow.log_prob(X * [1, 500] + [0, 5000])) == [
        "real_nvp was never adapted, and takes data as they come: column 1 is "
        f"{np.mean(X[:, 1] * 500 + 5000):.3g} with a deviation of {np.std(X[:, 1] * 500):.3g}. `fit` adapts a flow to "
        "its data; elsewhere call `adapt` first"
    ]
    assert said(lambda: flow.log_prob(X * 500)) == []
    flow = RealNVP((2,), context_size=1, **SMALL)
    (text,) = said(lambda: flow.log_prob(X, 5000 + 500 * X[:, :1]))
    assert "takes contexts as they come: column 0" in text
    assert said(lambda: RealNVP((2,), **SMALL).encode(X * 1e-3)) != []


def test_a_loop_of_ones_own():
    flow = RealNVP((2,), **SMALL)
    train = tf.function(lambda x: step(flow, x), autograph=False)
    (text,) = said(lambda: train.get_concrete_function(X))
    assert text.startswith("real_nvp was never adapted, and is trained.")
    assert said(lambda: train.get_concrete_function(X[:20])) == []
    flow = Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, seed=0)
    levels = rng.integers(0, 256, (4, 4, 4, 1)).astype("uint8")
    assert said(lambda: flow.log_prob(levels)) == []
    assert len(said(lambda: step(flow, levels))) == 1


def test_an_outer_model():
    x = keras.Input((2,))
    flow = RealNVP((2,), **SMALL)
    model = keras.Model(x, flow(x))
    model.compile("adam", loss=lambda _, log_prob: -log_prob)
    assert len(said(lambda: model.fit(X, X[:, 0], verbose=0))) == 1


def test_nothing_is_said_where_nothing_is_wrong():
    def untrained():
        flow = RealNVP((2,), **SMALL)
        flow.log_prob(X), flow.log_prob(1e6 * X[:5]), flow.sample(5)
        step(flow, X)

    def adapted():
        flow = RealNVP((2,), **SMALL)
        flow.adapt(X * 500)
        flow.log_prob(X * 500)
        tf.function(lambda x: step(flow, x), autograph=False).get_concrete_function(X)

    def fitted():
        flow = RealNVP((2,), **SMALL)
        flow.compile("adam", run_eagerly=True)
        flow.fit(X * 500, verbose=0)

    def prior():
        flow = RealNVP((2,), **SMALL)
        vae = VariationalAutoencoder(
            keras.layers.Dense(4), keras.layers.Dense(6), IAFPosterior(2, num_flows=1, hidden_units=(4,)), prior=flow
        )
        vae.compile("adam", run_eagerly=True)
        vae.fit(rng.integers(2, size=(32, 6)).astype("float32"), verbose=0)
        tf.function(lambda x: step(flow, x), autograph=False).get_concrete_function(X)

    for use in (untrained, adapted, fitted, prior):
        assert said(use) == [], use.__name__
