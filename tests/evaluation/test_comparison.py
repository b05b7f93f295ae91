"""Comparisons of two models against divergences in closed form, of reals and of integers."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from tfflows import datasets, evaluation
from tfflows.evaluation.pointwise import log_prob_of_each

tfd = tfp.distributions


def normal(mean, d=2):
    return tfd.MultivariateNormalDiag(tf.fill([d], tf.constant(mean, tf.float64)), tf.ones(d, tf.float64))


X = np.random.default_rng(0).normal(size=(4000, 2))


def test_the_difference_is_the_kl_divergence_and_its_interval_is_paired():
    found = evaluation.compare(normal(0.0), normal(0.2), X)
    assert found.interval.low < 0.04 < found.interval.high  # 2 entries, each mean^2 / 2
    assert found.interval.high - found.interval.low < 5 * found.difference.standard_error
    assert found.difference.standard_error < 0.3 * evaluation.negative_log_likelihood(normal(0.2), X).standard_error
    first = int((X.sum(axis=1) < 0.2).sum())  # the points on the side of a's mean
    assert (found.wins, found.ties, found.losses) == (first, 0, 4000 - first)
    other = evaluation.compare(normal(0.2), normal(0.0), X)
    assert other.difference.mean == -found.difference.mean and other.wins == found.losses
    same = evaluation.compare(normal(0.0), normal(0.0), X)
    assert (same.ties, same.interval.low, same.interval.high) == (4000, 0, 0)


class Staircase:
    """Reals in `[0, 2)`: each integer has `p`, and of it `tilt` in the lower half of its cell."""

    def __init__(self, p, tilt=0.5):
        self.p, self.tilt = np.array([1 - p, p]), tilt

    def log_prob(self, x):
        low = (x - np.floor(x)) < 0.5
        return np.log(self.p[np.floor(x).astype(int)] * np.where(low, self.tilt, 1 - self.tilt) * 2).sum(axis=1)


COINS = np.random.default_rng(1).integers(2, size=(600, 1))


def test_importance_weighting_undoes_what_the_noise_costs():
    """Both give integers the same probabilities; one of them needs many draws to show it."""
    rough, even = Staircase(0.7, tilt=0.95), Staircase(0.7)
    one, many = (evaluation.compare(even, rough, COINS, num_draws=n, seed=2) for n in (1, 200))
    cost = -0.5 * math.log(4 * 0.95 * 0.05)
    assert abs(one.difference.mean - cost) < 4 * one.difference.standard_error
    assert abs(many.difference.mean) < 0.01
    found = evaluation.compare(Staircase(0.5), Staircase(0.7), COINS, num_draws=1)
    ones = int(COINS.sum())
    np.testing.assert_allclose(found.difference.mean * 600, ones * math.log(5 / 7) + (600 - ones) * math.log(5 / 3))
    assert (found.wins, found.losses) == (600 - ones, ones)
    bits = evaluation.bits_per_dim(found.difference, (1,))
    np.testing.assert_allclose(bits.interval().value, found.difference.mean / math.log(2))


def test_a_data_set_brings_its_split_and_its_context():
    class Shifted:
        conditional = True

        def log_prob(self, x, context):
            return -np.abs(x[:, 0] - context[:, 0])

    class Alone:
        def log_prob(self, x):
            return -np.abs(x[:, 0])

    x = X[:, :1].astype("float32")
    data = datasets.Dataset("rows", x[:10], x[:10], x[10:60], x[:10], x[:10], x[10:60])
    found = evaluation.compare(Shifted(), Alone(), data)
    np.testing.assert_allclose(found.difference.values, np.abs(x[10:60, 0]), rtol=1e-6)
    laplace = tfd.Independent(tfd.Laplace(np.zeros(1, "f"), 1.0), 1)
    found = evaluation.compare(Shifted(), laplace, x, x)
    np.testing.assert_allclose(found.difference.values, math.log(2) + np.abs(x[:, 0]), rtol=1e-6)


def test_a_model_of_latents_is_weighed():
    class Weighed:
        def log_weights(self, x, *, num_samples, seed):
            return np.log(np.arange(1, num_samples + 1))[:, None] + np.zeros(len(x))

    np.testing.assert_allclose(log_prob_of_each(Weighed(), X[:9], num_draws=4), np.log(2.5))


def test_a_distribution_over_integers_is_exact_and_noise_is_that_of_the_seed():
    coin = tfd.Independent(tfd.Bernoulli(probs=[0.7]), 1)
    np.testing.assert_allclose(log_prob_of_each(coin, COINS), np.log([0.3, 0.7])[COINS[:, 0]], rtol=1e-6)
    seeds = [log_prob_of_each(Staircase(0.7, 0.9), COINS, seed=seed) for seed in (0, 0, 1)]
    assert np.array_equal(seeds[0], seeds[1]) and not np.array_equal(seeds[0], seeds[2])


@pytest.mark.parametrize("model", [GaussianMixture(2, random_state=0), KernelDensity(bandwidth=0.3)])
def test_densities_of_scikit_learn_are_taken_whatever_the_shape_of_an_event(model):
    model.fit(X[:500])
    found = evaluation.negative_log_likelihood(model, X[500:900].reshape(400, 2, 1))
    np.testing.assert_allclose(found.mean, -model.score_samples(X[500:900]).mean())
    np.testing.assert_allclose(found.interval().value, found.mean)


def test_a_served_flow_over_integers_gives_their_bound():
    class Served(tf.Module):
        log_prob = staticmethod(lambda x: tf.reduce_sum(x, axis=1))
        discrete_log_prob = staticmethod(lambda x, seed: tf.fill([len(x)], tf.cast(seed[1], tf.float32)))

    a, b = (log_prob_of_each(Served(), COINS, seed=seed, num_draws=1) for seed in (0, 1))
    assert len(set(a)) == 1 and a[0] != b[0]
    np.testing.assert_allclose(log_prob_of_each(Served(), X), X.sum(axis=1))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: evaluation.compare(normal(0.0), normal(0.0), X[:1]), "At least two examples.*Received: 1"),
        (lambda: evaluation.compare(normal(0.0), 3, X), "A model with `log_prob`.*Received: builtins.int"),
        (lambda: evaluation.compare(normal(0.0), normal(0.0), X, level=2), "`level` must be between"),
        (lambda: evaluation.compare(normal(0.0), IsolationForest(), X), "an outlier detector.*IsolationForest"),
        (lambda: evaluation.compare(normal(0.0), normal(0.0), datasets.wine(), X), "has its own context"),
        (lambda: evaluation.negative_log_likelihood(normal(0.0), X, X[:3]), "Received: 3 for 4000 examples"),
        (lambda: evaluation.compare(normal(0.0), normal(0.0), np.full([4, 2], np.nan)), "4 of 4 .*first nan of exa"),
        (lambda: evaluation.simulation_based_calibration(normal, X, X), r"Received: .*without \['sample'\]"),
        (lambda: evaluation.reverse_divergence(normal(0.0), None), r"without \['sample_and_log_prob'\]"),
        (lambda: log_prob_of_each(normal(0.0), COINS[:0]), "At least one example"),
    ],
)
def test_what_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
