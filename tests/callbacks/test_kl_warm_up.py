"""KL warm-up: the schedule, its continuation, and what it refuses."""

import re

import keras
import numpy as np
import pytest

from tfflows.callbacks import KLWarmUp
from tfflows.layers import GaussianPosterior

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")


class Betas(keras.callbacks.Callback):
    def __init__(self, layers):
        super().__init__()
        self.layers, self.seen = layers, []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append([float(layer.beta.numpy()) for layer in self.layers])


def model_of(*layers):
    model = keras.Sequential([*layers, keras.layers.Dense(3)])
    model.compile("adam", "mse")
    return model


def test_linear_in_steps_to_each_layer_s_own_weight():
    layers = GaussianPosterior(2), GaussianPosterior(2, beta=0.5)
    betas = Betas(layers)
    model_of(*layers).fit(X, X, batch_size=10, epochs=2, verbose=0, callbacks=[KLWarmUp(4, start=0.1), betas])
    expected = np.minimum(1, np.arange(8) / 4)
    np.testing.assert_allclose(betas.seen, np.stack([0.1 + 0.9 * expected, 0.1 + 0.4 * expected], axis=1), rtol=1e-6)


def test_a_second_fit_goes_on():
    layer = GaussianPosterior(2)
    model, warm_up = model_of(layer), KLWarmUp(16)
    for _ in range(2):
        model.fit(X, X, batch_size=10, verbose=0, callbacks=[warm_up])
    assert float(layer.beta.numpy()) == pytest.approx(0.5)


def test_bad_input():
    for bad in (0, None, (4,)):
        with pytest.raises(ValueError, match=f"`num_steps` must be an integer of.*Received: {re.escape(str(bad))}"):
            KLWarmUp(bad)
    with pytest.raises(ValueError, match="`start` must be a number of at least 0. Received: -1"):
        KLWarmUp(1, start=-1)
    with pytest.raises(ValueError, match="posterior layers is needed. Received: .* without one"):
        model_of().fit(X, X, verbose=0, callbacks=[KLWarmUp(1)])
