"""The variational autoencoder: parts of the bound, likelihoods, priors, importance weighting, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import callbacks, datasets, distributions, evaluation
from tfflows.layers import GaussianPosterior
from tfflows.metrics import BitsPerDimension
from tfflows.models import RealNVP, VariationalAutoencoder

tfd = tfp.distributions

X = np.random.default_rng(0).integers(2, size=(200, 6)).astype("float32")


def dense(units):
    return keras.layers.Dense(units)


def encoder():
    return keras.Sequential([keras.layers.Dense(16, activation="relu")])


def made(x=X, *, outputs=6, posterior=None, **kwargs):
    keras.utils.set_random_seed(0)
    vae = VariationalAutoencoder(encoder(), dense(outputs), posterior or GaussianPosterior(2, seed=0), **kwargs)
    vae.build(x.shape)
    return vae


def trained(x=X, epochs=4, **kwargs):
    vae = made(x, **kwargs)
    vae.compile(keras.optimizers.Adam(1e-2))
    vae.fit(x, epochs=epochs, verbose=0)
    return vae


def test_parts_of_the_bound():
    vae = made()
    parts = vae(X)
    mean, raw = np.split(vae.posterior.heads(vae.encoder(X)), 2, axis=-1)
    standard = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    q = tfd.MultivariateNormalDiag(mean, tf.exp(10 * np.tanh(raw / 10)))
    np.testing.assert_allclose(parts["kl"], q.kl_divergence(standard), rtol=1e-4)
    np.testing.assert_allclose(parts["elbo"], parts["reconstruction"] - parts["kl"], rtol=1e-5)
    z = q.sample(4000, seed=(0, 1))
    logits = vae.decoder(tf.reshape(z, [-1, 2]))
    log_p = tf.reduce_sum(tfd.Bernoulli(logits=tf.reshape(logits, [4000, 200, 6])).log_prob(X), axis=-1)
    drawn = np.stack([vae(X)["reconstruction"] for _ in range(50)]).mean()
    assert drawn == pytest.approx(float(tf.reduce_mean(log_p)), abs=0.02)
    assert float(vae.losses[0]) == pytest.approx(-parts["elbo"].numpy().mean(), rel=0.05)


def test_fit_evaluate_predict_and_metrics():
    vae = made()
    vae.compile(keras.optimizers.Adam(1e-2), metrics=[BitsPerDimension()])
    history = vae.fit(X, np.zeros(200), epochs=5, validation_split=0.2, verbose=0).history
    assert {"loss", "elbo", "reconstruction", "kl", "bits_per_dim", "val_elbo", "val_bits_per_dim"} <= set(history)
    assert history["loss"][-1] < history["loss"][0]
    np.testing.assert_allclose(history["loss"], -np.array(history["elbo"]), rtol=1e-4)
    np.testing.assert_allclose(history["bits_per_dim"], np.array(history["loss"]) / (6 * np.log(2)), rtol=1e-4)
    found = vae.evaluate(X, verbose=0, return_dict=True)
    assert found["elbo"] == pytest.approx(found["reconstruction"] - found["kl"], rel=1e-4)
    parts = vae.predict(X, verbose=0)
    assert {name: part.shape for name, part in parts.items()} == dict.fromkeys(parts, (200,))
    assert parts["elbo"].mean() == pytest.approx(found["elbo"], abs=0.2)


def test_beta_and_free_bits_are_in_the_loss_and_not_in_the_metrics():
    vae = made(posterior=GaussianPosterior(2, beta=0.5, free_bits=10.0, seed=0))
    vae.compile(keras.optimizers.SGD(0.0))
    history = vae.fit(X, verbose=0, callbacks=[callbacks.KLWarmUp(1000, start=0.5)]).history
    assert history["loss"][0] == pytest.approx(-history["reconstruction"][0] + 0.5 * 20, rel=1e-4)
    assert history["elbo"][0] == pytest.approx(history["reconstruction"][0] - history["kl"][0], rel=1e-4)


def levels(shape):
    return np.random.default_rng(1).integers(5, size=(100, *shape)).astype("uint8")


CASES = {
    "bernoulli": (X, "bernoulli", dense(6)),
    "categorical": (
        levels((3, 2)),
        distributions.CategoricalLikelihood(5),
        keras.Sequential([keras.layers.Dense(30), keras.layers.Reshape((3, 2, 5))]),
    ),
    "discretized_logistic": (
        levels((2, 2, 1)),
        distributions.DiscretizedLogisticLikelihood(5),
        keras.Sequential([keras.layers.Dense(8), keras.layers.Reshape((2, 2, 2))]),
    ),
    "function": (X - 0.25, lambda p: tfd.Independent(tfd.Normal(p, 0.5), 1), dense(6)),
}


def vae_of(case):
    x, likelihood, decoder = CASES[case]
    keras.utils.set_random_seed(0)
    flat = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(16, activation="relu")])
    return x, VariationalAutoencoder(flat, decoder, GaussianPosterior(2, seed=0), likelihood=likelihood)


@pytest.mark.parametrize("case", CASES)
def test_likelihoods_train_and_give_data_of_their_kind(case):
    x, vae = vae_of(case)
    vae.compile(keras.optimizers.Adam(1e-2))
    losses = vae.fit(x, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    samples = vae.sample(50, seed=0)
    assert samples.shape == (50, *x.shape[1:])
    assert vae.likelihood.valid(samples).numpy().all()
    np.testing.assert_array_equal(samples, vae.sample(50, seed=0))
    assert vae.encode(x, seed=0).shape == (len(x), 2)
    back = vae.reconstruct(x, seed=0)
    np.testing.assert_array_equal(back, vae.decode(vae.encode(x, seed=0)))
    assert back.shape == x.shape and np.isfinite(back).all()
    if case in ("categorical", "discretized_logistic"):
        assert vae.likelihood.valid(back).numpy().all()
        with pytest.raises(ValueError, match="`x` must hold integers from 0 to 4. Received: 1 others, the first 5"):
            vae.fit(np.where(np.arange(x.size).reshape(x.shape) == 7, 5, x), verbose=0)
        ways = evaluation.interpolations(vae, x[:3], x[3:6], num_steps=4)
        assert ways.shape == (3, 4, *x.shape[1:])


def test_probabilities_of_levels_sum_to_one():
    for case in ("categorical", "discretized_logistic"):
        _, vae = vae_of(case)
        vae.build((None, *CASES[case][0].shape[1:]))
        given = vae._given(tf.constant([[0.3, -1.0]]))
        one = given.distribution.log_prob(tf.reshape(tf.range(5.0), [5, *[1] * (len(given.event_shape) + 1)]))
        np.testing.assert_allclose(tf.reduce_sum(tf.exp(one), axis=0), 1, rtol=1e-5)


def test_a_flow_as_the_prior_is_trained_with_the_rest():
    flow = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(8,), seed=0)
    vae = trained(prior=flow)
    assert {id(v) for v in flow.trainable_variables} <= {id(v) for v in vae.trainable_variables}
    assert any(np.abs(v.numpy()).max() > 0 for v in flow.trainable_variables if "kernel" in v.path)
    z, log_q = vae.posterior.draw(vae.encoder(X), num_samples=1, seed=4)
    log_p = tfd.Independent(tfd.Bernoulli(logits=vae.decoder(z[0])), 1).log_prob(X)
    np.testing.assert_allclose(
        vae.log_weights(X, seed=4)[0], log_p + flow.log_prob(z[0]) - log_q[0], rtol=1e-4, atol=1e-4
    )
    assert vae.sample(7, seed=0, temperature=0.5).shape == (7, 6)
    base = tfd.MultivariateNormalDiag(tf.Variable([1.0, 0.0]), tf.ones(2))
    fixed = made(prior=base)
    assert any(v.shape == (2,) and np.all(v.numpy() == [1, 0]) for v in fixed.trainable_variables)


def test_log_weights_and_the_bound_they_give():
    vae = trained()
    weights = vae.log_weights(X[:20], num_samples=4000, seed=0)
    assert weights.shape == (4000, 20)
    elbo = np.mean([vae(X[:20])["elbo"] for _ in range(200)])
    assert float(tf.reduce_mean(weights)) == pytest.approx(elbo, abs=0.05)
    # the probability itself, by an integral over the plane of latents
    side = np.linspace(-6, 6, 161).astype("float32")
    z = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    logits = tf.cast(vae.decoder(z), tf.float64)
    prior = tfd.MultivariateNormalDiag(tf.zeros(2, tf.float64), tf.ones(2, tf.float64)).log_prob(z.astype("float64"))
    joint = tfd.Independent(tfd.Bernoulli(logits=logits), 1).log_prob(X[:20, None].astype("float64")) + prior
    exact = tf.reduce_logsumexp(joint, axis=-1) + 2 * np.log(side[1] - side[0])
    bound = tf.reduce_logsumexp(weights, axis=0) - np.log(4000)
    np.testing.assert_allclose(bound, exact, atol=0.05)
    nats = evaluation.importance_weighted(vae, X[:20], num_draws=2000, seed=1)
    assert nats.mean == pytest.approx(-float(tf.reduce_mean(exact)), abs=0.02)
    assert nats.standard_error == pytest.approx(float(tf.math.reduce_std(exact)) / np.sqrt(19), rel=0.05)


def test_importance_weighting_of_a_dataset():
    data = datasets.binarized(datasets.digits())
    vae = made(data.train, outputs=64)
    nats = evaluation.importance_weighted(vae, data, "test", num_draws=3, num_examples=50, seed=0)
    assert nats.count == 50 and 20 < nats.mean < 200
    one = evaluation.discrete_negative_log_likelihood(vae, data, "test", num_draws=3, num_examples=50, seed=0)
    assert nats.mean < one.mean


def test_saved_with_everything(tmp_path):
    flow = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(8,), seed=0)
    vae = trained(prior=flow, likelihood=distributions.BernoulliLikelihood())
    vae.save(tmp_path / "vae.keras")
    again = keras.saving.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(again.log_weights(X, seed=1), vae.log_weights(X, seed=1))
    np.testing.assert_array_equal(again.sample(9, seed=2), vae.sample(9, seed=2))
    assert int(again.optimizer.iterations) == int(vae.optimizer.iterations)
    again.fit(X, verbose=0)


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_precisions(policy):
    keras.config.set_dtype_policy(policy)
    vae = made()
    vae.compile(keras.optimizers.Adam(1e-2))
    assert isinstance(vae.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    losses = vae.fit(X, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert vae.log_weights(X).dtype == ("float64" if policy == "float64" else "float32")


def test_other_kinds_of_data():
    for make in (
        lambda: tf.data.Dataset.from_tensor_slices(X).batch(50),
        lambda: tf.data.Dataset.from_tensor_slices((X, np.zeros(200))).batch(50),
        lambda: ((X[i : i + 50],) for i in range(0, 200, 50)),
        lambda: X.astype("uint8"),
    ):
        keras.utils.set_random_seed(0)
        vae = VariationalAutoencoder(encoder(), dense(6), GaussianPosterior(2, seed=0))
        vae.compile("adam")
        assert np.isfinite(vae.fit(make(), verbose=0).history["loss"][0])


def test_sample_grids_of_an_autoencoder(tmp_path):
    x = np.random.default_rng(0).integers(2, size=(20, 4, 4, 1)).astype("float32")
    flat = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(8)])
    back = keras.Sequential([keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))])
    vae = VariationalAutoencoder(flat, back, GaussianPosterior(2))
    vae.compile("adam")
    grids = callbacks.SampleGrids(tmp_path, num_images=4, columns=2, value_range=(0, 1))
    vae.fit(x, verbose=0, callbacks=[grids])
    assert (tmp_path / "epoch_0001.png").is_file()


def test_bad_arguments():
    posterior = GaussianPosterior(2)
    with pytest.raises(TypeError, match="`encoder` must be a Keras layer or model. Received: 3"):
        VariationalAutoencoder(3, dense(6), posterior)
    with pytest.raises(TypeError, match="`posterior` must be a tfflows.layers.Posterior. Received"):
        VariationalAutoencoder(dense(3), dense(6), dense(2))
    with pytest.raises(ValueError, match="`likelihood` must be one of.*Received: 'poisson'"):
        VariationalAutoencoder(dense(3), dense(6), posterior, likelihood="poisson")
    prior = RealNVP(event_shape=(2,), num_layers=2)
    with pytest.raises(ValueError, match="given once. Received: one for the model and one for its posterior"):
        VariationalAutoencoder(dense(3), dense(6), GaussianPosterior(2, prior=prior), prior=prior)
    with pytest.raises(ValueError, match=r"events of shape \(3,\).*Received: event shape \(2,\)"):
        VariationalAutoencoder(dense(3), dense(6), GaussianPosterior(3), prior=prior)
    with pytest.raises(ValueError, match=r"features \[batch, F\]. Received: shape \(1, 4, 3\)"):
        VariationalAutoencoder(dense(3), dense(6), posterior).build((None, 4, 6))
    with pytest.raises(ValueError, match=r"of shape \(6,\). Received: one over events of shape \(5,\)"):
        VariationalAutoencoder(dense(3), dense(5), GaussianPosterior(2)).build((None, 6))
    vae = made()
    with pytest.raises(ValueError, match="has a loss of its own. Received: loss='mse'"):
        vae.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="`temperature` must be positive. Received: 0"):
        vae.sample(3, temperature=0)


def test_bad_data():
    vae = made()
    vae.compile("adam")
    with pytest.raises(ValueError, match=r"`x` must hold 0 and 1. Received: 2 others, the first nan at index \(3, 1\)"):
        bad = X.copy()
        bad[3, 1], bad[5, 0] = np.nan, 0.5
        vae.fit(bad, verbose=0)
    with pytest.raises(ValueError, match="`validation_data` must hold 0 and 1. Received: 2 others"):
        vae.fit(X, validation_data=bad, verbose=0)
    with pytest.raises(ValueError, match="`x` must hold 0 and 1. Received: 2 others"):
        vae.evaluate(bad, verbose=0)
    assert int(vae.optimizer.iterations) == 0
    with pytest.raises(ValueError, match="Data must hold 0 and 1. Received: a batch with others"):
        vae.fit(tf.data.Dataset.from_tensor_slices(bad).batch(50), verbose=0)
    with pytest.raises(ValueError, match=r"shape \(batch, \*\(6,\)\). Received: shape \(10, 5\)"):
        vae.fit(X[:10, :5], verbose=0)
    with pytest.raises(ValueError, match=r"`sample_weight` must hold a number for each example, shape \(200,\)"):
        vae.fit(X, sample_weight=np.ones(199), verbose=0)
