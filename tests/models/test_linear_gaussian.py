"""A linear Gaussian model, where `log p(x)` and the best bound of a diagonal Gaussian are known exactly.

    z ~ N(0, I),    x | z ~ N(W z + b, s^2 I),    so    z | x ~ N(M^-1 W' (x - b) / s^2, M^-1),    M = I + W' W / s^2

The posterior's precision `M` is far from diagonal. The best diagonal Gaussian has precisions `diag(M)`, and its bound
is below `log p(x)` by `(sum log M_ii - log det M) / 2` for every `x`.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import layers
from tfflows.models import VariationalAutoencoder

tfd = tfp.distributions

LATENT, NOISE = 2, 0.5
W = np.array([[1.0, 0.8], [0.9, 0.9], [0.4, -0.2]])
B = np.array([0.5, -1.0, 0.0])
PRECISION = np.eye(LATENT) + W.T @ W / NOISE**2
DIAGONAL_GAP = 0.5 * (np.log(np.diag(PRECISION)).sum() - np.linalg.slogdet(PRECISION)[1])
NETS = {"num_flows": 2, "hidden_units": (32,)}
POSTERIORS = {
    "gaussian": layers.GaussianPosterior,
    "planar": functools.partial(layers.PlanarPosterior, num_flows=4),
    "radial": functools.partial(layers.RadialPosterior, num_flows=4),
    "sylvester": functools.partial(layers.SylvesterPosterior, num_flows=4),
    "iaf": functools.partial(layers.IAFPosterior, **NETS),
    "coupling": functools.partial(layers.CouplingPosterior, **NETS),
}
TOLERANCE = 0.01


def draws(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, LATENT)) @ W.T + B + NOISE * rng.normal(size=(n, len(B)))
    return x.astype("float32")


def log_evidence(x):
    covariance = W @ W.T + NOISE**2 * np.eye(len(B))
    return tfd.MultivariateNormalTriL(B, np.linalg.cholesky(covariance)).log_prob(x.astype("float64")).numpy()


def normal(mean):
    return tfd.Independent(tfd.Normal(mean, NOISE), 1)


def gap(name, steps=4000, batch_size=256):
    """`log p(x)` minus the bound, mean over draws of the model, after training the posterior alone."""
    keras.utils.set_random_seed(0)
    decoder = keras.layers.Dense(len(B))
    vae = VariationalAutoencoder(
        keras.layers.Activation("linear"), decoder, POSTERIORS[name](LATENT, seed=1), likelihood=normal
    )
    vae.build((None, len(B)))
    decoder.set_weights([W.T, B])
    decoder.trainable = False
    rate = keras.optimizers.schedules.CosineDecay(1e-2, steps)
    vae.compile(keras.optimizers.Adam(rate, global_clipnorm=10.0))
    vae.fit(draws(steps * batch_size, 0), batch_size=batch_size, verbose=0)
    np.testing.assert_array_equal(decoder.kernel, W.T.astype("float32"))
    x = draws(10_000, 1)
    drawn = np.mean(vae.log_weights(x, num_samples=20, seed=2), axis=0)
    difference = log_evidence(x) - drawn
    error = difference.std() / np.sqrt(len(x))
    print(f"{name:10} gap {difference.mean():.4f} +- {error:.4f} nats; best diagonal Gaussian {DIAGONAL_GAP:.4f}")
    return difference.mean(), error


def test_the_case_is_one_where_correlation_matters():
    assert DIAGONAL_GAP > 0.3
    x = draws(5, 0)
    z = np.stack(np.meshgrid(*[np.linspace(-6, 6, 401)] * 2), axis=-1).reshape(-1, 2)
    joint = normal(z @ W.T + B).log_prob(x[:, None].astype("float64")) + tfd.MultivariateNormalDiag(
        np.zeros(2), np.ones(2)
    ).log_prob(z)
    np.testing.assert_allclose(tf.reduce_logsumexp(joint, axis=-1) + 2 * np.log(12 / 400), log_evidence(x), atol=1e-3)


def test_gaussian_reaches_its_own_optimum():
    found, error = gap("gaussian", steps=1500)
    assert abs(found - DIAGONAL_GAP) < TOLERANCE and error < TOLERANCE / 3


@pytest.mark.parametrize("name", ["iaf", "coupling"])
def test_flows_with_networks_close_the_gap(name):
    found, error = gap(name)
    assert found < TOLERANCE and found > -4 * error and error < TOLERANCE / 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["planar", "radial", "sylvester"])
def test_the_others_are_no_worse_than_the_gaussian(name):
    found, error = gap(name)
    assert -4 * error < found < DIAGONAL_GAP + TOLERANCE
