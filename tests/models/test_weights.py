"""Weights of examples: whichever way they come, the loss is `mean(w * nll)` by hand, to the bit from route to route."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, layers, models

tfd = tfp.distributions

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 2)).astype("float32")
W = np.exp(X[:, 0] - 0.5)
LABELS = RNG.integers(3, size=100).astype("uint8")
BY_CLASS = {0: 0.5, 2: 4.0}


def flow(rate=1e-2, **options):
    normal = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    shift = bijectors.DiagonalAffine([2])
    model = models.FlowModel(tfd.TransformedDistribution(normal, shift))
    model.compile(keras.optimizers.Adam(rate), **options)
    return model


def conditional_flow():
    model = models.RealNVP((2,), num_layers=2, hidden_units=(4,), num_classes=3, seed=0)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    model.adapt(X, LABELS)
    return model


def batches(*parts, size=32):
    return [tuple(None if p is None else p[i : i + size] for p in parts) for i in range(0, len(X), size)]


class Sequence(keras.utils.PyDataset):
    def __init__(self, each):
        super().__init__()
        self.each = each

    def __len__(self):
        return len(self.each)

    def __getitem__(self, i):
        return self.each[i]


class Loader:
    """As those of PyTorch: its batches are lists, and it can be gone through again."""

    def __init__(self, each):
        self.each = each

    def __len__(self):
        return len(self.each)

    def __iter__(self):
        return iter(map(list, self.each))


def endless(each):
    while True:
        yield from each


def dataset(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(32)


ROUTES = {
    "arrays": lambda: {"x": X, "sample_weight": W, "batch_size": 32},
    "lists": lambda: {"x": X.tolist(), "sample_weight": W.tolist(), "batch_size": 32},
    "arrays, steps": lambda: {"x": X, "sample_weight": W[:, None], "batch_size": 32, "steps_per_epoch": 4},
    "dataset": lambda: {"x": dataset(X, W, W)},
    "generator": lambda: {"x": endless(batches(X, None, W)), "steps_per_epoch": 4},
    "sequence": lambda: {"x": Sequence(batches(X, None, W))},
    "loader": lambda: {"x": Loader(batches(X, W, W))},
}


@pytest.fixture(scope="module")
def by_hand():
    """Two epochs of Adam on `mean(w * nll)`, written out: the mean losses, and the weights afterwards."""
    model = flow()
    losses = []
    for _ in range(2):
        sums = []
        for x, _, w in batches(X, None, W):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(w * -model.log_prob(x))
            model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            sums.append(len(x) * float(loss))
        losses.append(sum(sums) / len(X))
    return losses, model.get_weights()


def test_training_and_evaluation_by_every_route(by_hand):
    model = flow()
    start = model.get_weights()
    trained, evaluated = [], []
    for route in ROUTES.values():  # one model, as its graphs serve all routes
        model.set_weights(start)
        model.optimizer.build(model.trainable_variables)
        for variable in model.optimizer.variables[:1] + model.optimizer.variables[2:]:
            variable.assign(tf.zeros_like(variable))
        loss = model.fit(**route(), epochs=2, shuffle=False, verbose=0).history["loss"]
        np.testing.assert_allclose(loss, by_hand[0], rtol=1e-6)
        for found, right in zip(model.get_weights(), by_hand[1], strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-5)
        trained.append((loss, [weight.tolist() for weight in model.get_weights()]))
        given = route()
        given["steps"] = given.pop("steps_per_epoch", None)
        evaluated.append(model.evaluate(**given, verbose=0))
    assert all(each == trained[0] for each in trained)
    right = float(np.mean(W * -model.log_prob(X).numpy()))
    assert evaluated[0] == pytest.approx(right, rel=1e-6) and len(set(evaluated)) == 1


def test_validation_data_with_weights():
    model = flow(rate=0.0)
    right = float(np.mean(W * -model.log_prob(X).numpy()))
    found = []
    for data in ((X, None, W), (X, W, W), dataset(X, W, W), Sequence(batches(X, None, W))):
        found.append(model.fit(X, validation_data=data, batch_size=32, verbose=0).history["val_loss"][0])
    assert found == [pytest.approx(right, rel=1e-6)] * 4 and len(set(found)) == 1
    history = model.fit(X, sample_weight=W, validation_split=0.5, verbose=0).history
    halves = np.mean((W * -model.log_prob(X).numpy()).reshape(2, 50), axis=1)
    np.testing.assert_allclose([history["loss"][0], history["val_loss"][0]], halves, rtol=1e-6)


def test_weights_that_mean_nothing_are_refused_before_anything_changes():
    model, conditional = flow(run_eagerly=True), conditional_flow()
    before = model.get_weights()
    refused = [
        (model, {"x": X, "sample_weight": W[:50]}, r"each example, shape \(100,\). Received: shape \(50,\)"),
        (
            model,
            {"x": X, "sample_weight": np.where(W > 2, np.nan, W)},
            "must be finite. Received: 11 others, the first",
        ),
        (model, {"x": X, "sample_weight": ["heavy"] * 100}, "must hold a number for each example"),
        (model, {"x": X, "validation_data": (X, None, W[:9])}, r"`weights of validation_data` must .* shape \(9,\)"),
        (model, {"x": dataset(X), "sample_weight": W}, r"goes with arrays; a stream has its weights in each batch"),
        (model, {"x": X, "class_weight": BY_CLASS}, "needs integer labels beside the events. Received: None"),
        (model, {"x": X, "y": X[:, 0], "class_weight": BY_CLASS}, "integer labels .* Received: dtype float32"),
        (conditional, {"x": X, "y": LABELS, "class_weight": {17: 2.0}}, "labels from 0 to 2 .* Received: 17: 2.0"),
        (conditional, {"x": X, "y": LABELS, "class_weight": {1: "2"}}, "to numbers. Received: 1: '2'"),
        (conditional, {"x": X, "y": LABELS, "class_weight": BY_CLASS, "sample_weight": W}, "by example or by class"),
        (model, {"x": dataset(X, LABELS, W), "class_weight": BY_CLASS}, "by example or by class"),
        (
            model,
            {"x": dataset(X, LABELS, np.stack([W, W], 1))},
            r"must have shape \[batch\]. Received: shape \(32, 2\)",
        ),
        (
            model,
            {"x": dataset(X, LABELS, W * np.inf)},
            "Weights must be finite. Received: a batch with NaN or infinite",
        ),
    ]
    for each, given, message in refused:
        with pytest.raises(ValueError, match=message):
            each.fit(**given, verbose=0)
        assert int(each.optimizer.iterations) == 0
    for found, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, right)


BITS = RNG.integers(2, size=(100, 6)).astype("float32")


def autoencoder(**options):
    keras.utils.set_random_seed(0)
    posterior = layers.GaussianPosterior(2, seed=0, **options)
    vae = models.VariationalAutoencoder(keras.layers.Dense(4), keras.layers.Dense(6), posterior)
    vae.build((None, 6))
    vae.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return vae


def test_free_bits_of_an_autoencoder_with_weights():
    vae = autoencoder(beta=0.5, free_bits=1.0)
    z, divergence = autoencoder().posterior.draw_with_divergence(vae.encoder(BITS))
    weighted = np.mean(W[:, None] * divergence, axis=0)
    reconstruction = vae.likelihood.distribution(vae.decoder(z)).log_prob(BITS)
    right = 0.5 * np.maximum(weighted, 1.0).sum() - np.mean(W * reconstruction)
    assert vae.evaluate(BITS, sample_weight=W, batch_size=100, verbose=0)[0] == pytest.approx(right, rel=1e-5)
