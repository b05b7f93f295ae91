"""Posterior layers of flows: densities, divergences, and every way of using them in Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import layers

tfd = tfp.distributions
SMALL = {"num_flows": 2, "seed": 1}
NETS = {**SMALL, "hidden_units": (8,)}
MAKES = {
    "gaussian": lambda size, **options: layers.GaussianPosterior(size, seed=1, **options),
    "planar": lambda size, **options: layers.PlanarPosterior(size, **SMALL, **options),
    "radial": lambda size, **options: layers.RadialPosterior(size, **SMALL, **options),
    "sylvester_orthogonal": lambda size, **options: layers.SylvesterPosterior(size, num_vectors=2, **SMALL, **options),
    "sylvester_householder": lambda size, **options: layers.SylvesterPosterior(
        size, kind="householder", num_vectors=2, **SMALL, **options
    ),
    "sylvester_triangular": lambda size, **options: layers.SylvesterPosterior(
        size, kind="triangular", **SMALL, **options
    ),
    "iaf": lambda size, **options: layers.IAFPosterior(size, **NETS, **options),
    "coupling": lambda size, **options: layers.CouplingPosterior(size, **NETS, **options),
}
FLOWS = [name for name in MAKES if name != "gaussian"]
every_posterior = pytest.mark.parametrize("name", MAKES)
every_flow = pytest.mark.parametrize("name", FLOWS)


def few(names, *default):
    """Pairs of a posterior and one of `names`, all but the `default` ones under `-m slow` only."""
    pairs = [(name, other) for name in MAKES for other in names]
    return [pytest.param(*pair, marks=() if pair in default else pytest.mark.slow) for pair in pairs]


D, F = 3, 5


def features(*batch, seed=0, dtype="float32"):
    return tf.constant(np.random.default_rng(seed).normal(size=(*batch, F)), dtype)


def shaken(name, by=0.3, **options):
    """A built layer whose weights are away from where they start."""
    layer = MAKES[name](D, **options)
    layer.build((None, F))
    rng = np.random.default_rng(2)
    for weight in layer.trainable_variables:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return layer


def test_every_public_posterior_is_tested():
    tested = {type(make(D)).__name__ for make in MAKES.values()}
    assert tested == {each for each in layers.__all__ if each.endswith("Posterior")} - {"Posterior"}


@every_posterior
@pytest.mark.parametrize("batch", [(4,), (2, 3)], ids=str)
@pytest.mark.parametrize("num_samples", [None, 7])
def test_shapes(name, batch, num_samples):
    layer = shaken(name, return_log_q=True)
    z, log_q = layer(features(*batch), num_samples=num_samples)
    leading = (*(() if num_samples is None else (7,)), *batch)
    assert z.shape == (*leading, D) and log_q.shape == leading
    assert np.isfinite(z).all() and np.isfinite(log_q).all()


@every_flow
def test_log_q_is_the_density_by_the_inverse(name):
    layer, h = shaken(name, dtype="float64"), features(4, dtype="float64")
    z, log_q = layer.draw(h, num_samples=6, seed=3)
    z0, inverse_log_det = layer.flow.inverse_and_log_det(tf.identity(z), context=h)
    mean, raw = tf.split(layer.heads(h), 2, axis=-1)
    base = tfd.MultivariateNormalDiag(mean, tf.exp(10 * tf.tanh(raw / 10)))
    np.testing.assert_allclose(log_q, base.log_prob(z0) + inverse_log_det, rtol=1e-9)


@every_flow
def test_density_integrates_to_one(name):
    """`E_p[q(z)/p(z)] = 1` for a wide Gaussian `p`, with `q` from the inverse."""
    layer, h = shaken(name, by=0.2, dtype="float64"), features(1, dtype="float64")
    z = layer.draw(h, num_samples=2000, seed=1)[0]
    wide = tfd.MultivariateNormalDiag(tf.reduce_mean(z, 0), 2.0 * tf.math.reduce_std(z, 0))
    points = wide.sample(20_000, seed=(0, 2))
    z0, inverse_log_det = layer.flow.inverse_and_log_det(points, context=h)
    mean, raw = tf.split(layer.heads(h), 2, axis=-1)
    base = tfd.MultivariateNormalDiag(mean, tf.exp(10 * tf.tanh(raw / 10)))
    weights = np.exp(base.log_prob(z0) + inverse_log_det - wide.log_prob(points))
    assert abs(weights.mean() - 1.0) < 5 * weights.std() / np.sqrt(len(weights)) < 0.2


@every_flow
def test_adds_the_divergence_of_its_draw(name):
    layer, h = shaken(name, beta=0.7), features(16)
    z = layer(h, seed=3)
    drawn, log_q = layer.draw(h, seed=3)
    np.testing.assert_array_equal(z, drawn)
    log_p = tfd.MultivariateNormalDiag(tf.zeros(D), tf.ones(D)).log_prob(z)
    (loss,) = layer.losses
    assert float(loss) == pytest.approx(0.7 * float(tf.reduce_mean(log_q - log_p)), rel=1e-5)


@every_posterior
def test_free_bits_are_a_floor(name):
    layer = shaken(name, free_bits=100.0, beta=0.5)
    layer(features(16))
    assert float(layer.losses[0]) == pytest.approx(0.5 * 100.0 * D)


@every_posterior
def test_pair_on_request_without_a_loss(name):
    layer = shaken(name, return_log_q=True)
    z, log_q = layer(features(4))
    assert z.shape == (4, D) and log_q.shape == (4,) and layer.losses == []


@pytest.mark.parametrize("name", [name for name in FLOWS if name != "iaf"])
def test_starts_as_its_gaussian(name):
    layer, gaussian, h = MAKES[name](D), MAKES["gaussian"](D), features(4)
    layer.build(h.shape), gaussian.build(h.shape)
    gaussian.heads.set_weights(layer.heads.get_weights())
    for one, other in zip(layer.draw(h, seed=3), gaussian.draw(h, seed=3)):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@every_flow
def test_every_weight_learns_and_examples_differ(name):
    layer, h = shaken(name), features(16)
    with tf.GradientTape() as tape:
        z = layer(h, seed=1)
        loss = layer.losses[0] + tf.reduce_mean(z**3)
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert [v.path for v, g in zip(layer.trainable_variables, gradients) if g is None or not np.abs(g).max() > 0] == []
    zeros = tf.zeros([1, D])
    moved = layer.flow.forward(zeros, context=h[:1]) - layer.flow.forward(zeros, context=h[1:2])
    assert np.abs(moved).max() > 1e-3


class Subclassed(keras.Model):
    """A variational autoencoder as a user may write it."""

    def __init__(self, posterior):
        super().__init__()
        self.encoder, self.posterior = keras.layers.Dense(F, activation="tanh"), posterior
        self.decoder = keras.layers.Dense(6)

    def call(self, x):
        return self.decoder(self.posterior(self.encoder(x)))


def sequential(posterior):
    encoder, decoder = keras.layers.Dense(F, activation="tanh"), keras.layers.Dense(6, dtype="float32")
    return keras.Sequential([encoder, posterior, decoder])


def functional(posterior):
    inputs = keras.Input((6,))
    z = posterior(keras.layers.Dense(F, activation="tanh")(inputs))
    return keras.Model(inputs, keras.layers.Dense(6, dtype="float32")(z))


STYLES = {"sequential": sequential, "functional": functional, "subclassed": Subclassed}


def data(n=64):
    return np.random.default_rng(0).normal(size=(n, 6)).astype("float32")


def fitted(model, **options):
    model.compile(keras.optimizers.Adam(0.01), loss="mse", **options)
    return model.fit(data(), data(), batch_size=16, epochs=2, verbose=0).history["loss"]


@pytest.mark.parametrize(
    ("name", "style"),
    few(STYLES, ("planar", "sequential"), ("sylvester_orthogonal", "functional"), ("iaf", "subclassed")),
)
def test_in_every_kind_of_model(name, style):
    posterior = MAKES[name](D)
    losses = fitted(STYLES[style](posterior), jit_compile=False)
    assert np.isfinite(losses).all()
    assert np.abs(posterior.heads.get_weights()[1]).max() > 0  # the bias started at 0


@pytest.mark.slow
@every_posterior
def test_trains_under_xla(name):
    assert np.isfinite(fitted(functional(MAKES[name](D)), jit_compile=True)).all()


@pytest.mark.parametrize(
    ("name", "policy"),
    few(("mixed_float16", "mixed_bfloat16"), ("iaf", "mixed_float16"), ("sylvester_orthogonal", "mixed_bfloat16")),
)
def test_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    posterior = MAKES[name](D)
    model = functional(posterior)
    assert np.isfinite(fitted(model, jit_compile=False)).all()
    z, log_q = posterior.draw(features(4))
    assert z.dtype == log_q.dtype == tf.float32
    assert {v.dtype for v in posterior.trainable_variables} == {"float32"}
    if name in ("iaf", "coupling"):
        assert posterior.flow.bijectors[0].conditioner.compute_dtype == policy.removeprefix("mixed_")


@every_posterior
def test_keras_file(name, tmp_path):
    model = functional(shaken(name))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    mine, theirs = (each.layers[2] for each in (model, loaded))
    assert type(mine) is type(theirs) and mine.get_config() == theirs.get_config()
    for one, other in zip(mine.draw(features(5), seed=4), theirs.draw(features(5), seed=4)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_keras_file_of_another_policy(policy, tmp_path):
    model = functional(shaken("iaf", dtype=policy, free_bits=0.1, beta=0.3))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[2]
    assert loaded.dtype_policy.name == policy and loaded.free_bits == 0.1 and float(loaded.beta) == pytest.approx(0.3)


@every_posterior
def test_export(name, tmp_path):
    model = functional(shaken(name))
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    served = loaded.serve(data(5))
    assert served.shape == (5, 6) and np.isfinite(served).all()


@every_posterior
@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_no_latent(name, size):
    with pytest.raises(ValueError, match="`latent_size` must be .* Received: "):
        MAKES[name](size)


@pytest.mark.parametrize("name", ["iaf", "coupling"])
def test_one_latent_is_too_few(name):
    with pytest.raises(
        ValueError, match="`latent_size` must be an integer of at least 2. Received: 1; Gaussian.*take 1"
    ):
        MAKES[name](1)
    assert all(MAKES[other](1).latent_size == 1 for other in ("planar", "radial"))


@pytest.mark.parametrize("name", ["planar", "radial"])
def test_one_latent_is_enough(name):
    z, log_q = MAKES[name](1).draw(features(4))
    assert z.shape == (4, 1) and np.isfinite(log_q).all()


@every_flow
def test_features_of_another_size(name):
    layer = shaken(name)
    with pytest.raises(ValueError, match=r"built for features of size 5. Received: shape \(4, 6\)"):
        layer(tf.ones([4, 6]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.PlanarPosterior(3, num_flows=0), "`num_flows` must be an integer of at least 1. Received: 0"),
        (lambda: layers.IAFPosterior(3, hidden_units=(0,)), "`hidden_units` must be integers of at least 1"),
        (lambda: layers.SylvesterPosterior(3, kind="qr"), "`kind` must be one of .* Received: 'qr'"),
        (lambda: layers.SylvesterPosterior(3, num_vectors=4), "at most the event size, 3. Received: 4"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
