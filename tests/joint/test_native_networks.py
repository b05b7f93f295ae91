"""TFP's couplings and autoregressive bijectors around ordinary Keras layers; native flows that no file can hold."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.models import FlowModel

tfb, tfd = tfp.bijectors, tfp.distributions
X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")


def flow(bijector, dtype="float32"):
    return FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(tf.zeros([], dtype), 1.0), [4]), bijector))


def network(units, inputs=2):
    return keras.Sequential([keras.Input([inputs]), keras.layers.Dense(3, "tanh"), keras.layers.Dense(units)])


def pair():
    x = keras.Input([2])
    return keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)])


@keras.saving.register_keras_serializable("tests")
class Masked(keras.layers.Layer):
    """Shift and log-scale of an entry, linear in those before it; as one tensor or by entry."""

    def __init__(self, by_entry=False, **kwargs):
        super().__init__(**kwargs)
        self.by_entry = by_entry

    def build(self, shape):
        self.kernels = [self.add_weight(shape=(4, 4), initializer="random_normal") for _ in range(2)]

    def call(self, x):
        before = np.triu(np.ones((4, 4), "float32"), 1)
        parts = [keras.ops.matmul(x, kernel * before) for kernel in self.kernels]
        return keras.ops.stack(parts, axis=-1) if self.by_entry else keras.ops.concatenate(parts, axis=-1)

    def get_config(self):
        return {**super().get_config(), "by_entry": self.by_entry}


def normal(x, log_scale):
    return np.sum(-0.5 * x**2 - 0.5 * np.log(2 * np.pi) - log_scale, axis=-1)


COUPLINGS = {
    "one tensor": (lambda: network(4), lambda layer, x: np.split(np.asarray(layer(x)), 2, axis=-1)),
    "a shift": (lambda: network(2), lambda layer, x: (np.asarray(layer(x)), np.zeros([len(x), 2]))),
    "a pair": (pair, lambda layer, x: tuple(map(np.asarray, layer(x)))),
    "not built": (lambda: keras.layers.Dense(4), lambda layer, x: np.split(np.asarray(layer(x)), 2, axis=-1)),
}


@pytest.mark.parametrize("kind", COUPLINGS)
def test_a_coupling_around_an_ordinary_layer(kind, tmp_path):
    make, outputs = COUPLINGS[kind]
    layer = make()
    model = flow(tfb.RealNVP(2, shift_and_log_scale_fn=layer))
    shift, log_scale = outputs(layer, X[:, :2])
    x = np.concatenate([X[:, :2], (X[:, 2:] - shift) * np.exp(-log_scale)], axis=-1)
    np.testing.assert_allclose(model.log_prob(X), normal(x, np.pad(log_scale, ((0, 0), (2, 0)))), rtol=1e-5)
    np.testing.assert_allclose(model.log_prob(X.reshape(4, 8, 4)), tf.reshape(model.log_prob(X), [4, 8]), rtol=1e-6)
    assert len(model.trainable_variables) == len(layer.weights) == len(model.bijector.trainable_variables)
    before = model.get_weights()
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=True)
    model.fit(X, verbose=0)
    assert all(np.any(new != old) for new, old in zip(model.get_weights(), before, strict=True))
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(X), model.log_prob(X))


@pytest.mark.parametrize("by_entry", [False, True])
def test_an_autoregressive_bijector_around_an_ordinary_layer(by_entry, tmp_path):
    layer = Masked(by_entry)
    model = flow(tfb.MaskedAutoregressiveFlow(layer))
    shift, log_scale = np.moveaxis(layer(X), -1, 0) if by_entry else np.split(np.asarray(layer(X)), 2, axis=-1)
    np.testing.assert_allclose(model.log_prob(X), normal((X - shift) * np.exp(-log_scale), log_scale), rtol=1e-5)
    np.testing.assert_allclose(model.encode(model.decode(X)), X, atol=1e-5)
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(X), model.log_prob(X))


def test_other_layers_are_refused():
    with pytest.raises(ValueError, match=r"a pair. Received: shapes \[\(1, 5\), None\]"):
        flow(tfb.RealNVP(2, shift_and_log_scale_fn=network(5)))
    with pytest.raises(ValueError, match="whose outputs for entry 0 change with entry 0"):
        flow(tfb.MaskedAutoregressiveFlow(network(8, inputs=4)))


class Before(keras.layers.Layer):
    """Shift and log-scale of an entry: the sum of those before it, of six, and half of it, plus keywords."""

    def call(self, x, conditional_input=None):
        sums = keras.ops.matmul(x, np.triu(np.ones((6, 6), "float32"), 1))
        sums = sums if conditional_input is None else sums + conditional_input
        return keras.ops.stack([sums, 0.5 * sums], axis=-1)


def test_the_order_of_a_part_of_another_size_than_the_event():
    chain = lambda layer: tfb.Chain([tfb.Reshape([2, 3], [6]), tfb.MaskedAutoregressiveFlow(layer)])  # noqa: E731
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [6])
    model = FlowModel(tfd.TransformedDistribution(base, chain(Before())))
    x = np.random.default_rng(1).normal(size=(5, 6)).astype("float32")
    shift = np.cumsum(x, axis=1) - x
    expected = normal((x - shift) * np.exp(-0.5 * shift), 0.5 * shift)
    np.testing.assert_allclose(model.log_prob(x.reshape(5, 2, 3)), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="whose outputs for entry 0 change with entry 0"):
        FlowModel(tfd.TransformedDistribution(base, chain(network(12, inputs=6))))


def test_keywords_reach_a_layer_as_tfp_has_it():
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [6])
    model = FlowModel(tfd.TransformedDistribution(base, tfb.MaskedAutoregressiveFlow(Before())))
    x, given = np.random.default_rng(1).normal(size=(2, 5, 6)).astype("float32")
    shift = np.cumsum(x, axis=1) - x + given
    expected = normal((x - shift) * np.exp(-0.5 * shift), 0.5 * shift)
    found = model.distribution.log_prob(x, bijector_kwargs={"conditional_input": given})
    np.testing.assert_allclose(found, expected, rtol=1e-4)


class AsTFPHasIt(keras.layers.Layer):
    """With a `__call__` of its own."""

    def build(self, shape):
        self.dense = keras.layers.Dense(2)
        self.dense.build(shape)

    def __call__(self, x, units):
        return self.dense(x), None


def test_a_layer_with_a_call_of_its_own_is_called_as_before():
    layer = AsTFPHasIt()
    layer.build((None, 2))
    layer.built = True
    model = flow(tfb.RealNVP(2, shift_and_log_scale_fn=layer))
    x = np.concatenate([X[:, :2], X[:, 2:] - np.asarray(layer.dense(X[:, :2]))], axis=-1)
    np.testing.assert_allclose(model.log_prob(X), normal(x, 0.0), rtol=1e-5)


class Applied(keras.layers.Layer):
    """A function of the user's, without `get_config`."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def test_what_cannot_be_saved_is_named_when_it_is_built():
    with pytest.warns(UserWarning, match="cannot be saved. .* Received: function at .*bijector.bijector_fn"):
        flow(tfb.RealNVP(2, bijector_fn=lambda x, units, **kwargs: tfb.Shift(x)))
    with pytest.warns(UserWarning, match="cannot be saved. (?s:.)*must override `get_config"):
        flow(tfb.RealNVP(2, shift_and_log_scale_fn=Applied(keras.ops.tanh)))
    with pytest.warns(UserWarning, match="cannot be saved. (?s:.)*must override `get_config"):
        flow(bijectors.AffineCoupling([True, True, False, False], Applied(lambda x: keras.ops.tile(x, [1, 2]))))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        flow(tfb.Chain([tfb.Shift(tf.Variable(tf.zeros(4))), tfb.Sigmoid()]))
