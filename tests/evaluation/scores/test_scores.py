"""Scores against their formulas, on densities whose likelihood is known."""

import math

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.mixture import GaussianMixture

from tfflows import models
from tfflows.evaluation import detection, scores
from tfflows.layers import UniformDequantization

tfb, tfd = tfp.bijectors, tfp.distributions
RNG = np.random.default_rng(0)
X, IMAGES = RNG.normal(size=(60, 3)), RNG.integers(0, 256, (12, 8, 8, 1)).astype("uint8")


def normal(mean=0.0, scale=1.0, d=3):
    return tfd.MultivariateNormalDiag(tf.fill([d], tf.constant(mean, tf.float64)), tf.fill([d], np.float64(scale)))


def nats(x, mean=0.0, scale=1.0):
    return scipy.stats.norm(mean, scale).logpdf(x).sum(axis=1)


@pytest.fixture(scope="module")
def flow():
    """Of bytes: 256 times the sigmoid of normals, with noise."""
    base, stretched = tfd.Sample(tfd.Normal(0.0, 1.0), [8, 8, 1]), tfb.Chain([tfb.Scale(256.0), tfb.Sigmoid()])
    distribution = tfd.TransformedDistribution(base, stretched)
    return models.FlowModel(distribution, dequantization=UniformDequantization(256))


def test_likelihood_and_its_ratio():
    likelihood = scores.Likelihood().fit(normal(), X)
    np.testing.assert_allclose(likelihood.score(X), -nats(X))
    ratio = scores.LikelihoodRatio(background=normal(scale=3.0)).fit(normal(), X)
    np.testing.assert_allclose(ratio.score(X), nats(X, scale=3.0) - nats(X))


@pytest.mark.parametrize("size", [1, 4])
def test_typicality_is_of_groups(size):
    score = scores.Typicality(group_size=size).fit(normal(), X[:40])
    assert score.entropy == pytest.approx(-nats(X[:40]).mean())
    expected = [abs(-nats(X[i : i + size]).mean() + nats(X[:40]).mean()) for i in range(0, 60, size)]
    np.testing.assert_allclose(score.score(X), expected)


def test_groups_find_what_single_examples_do_not():
    """Narrower data in 20 dimensions are too likely: the likelihood has them the wrong way round."""
    inside, outside = RNG.normal(size=(400, 20)), 0.8 * RNG.normal(size=(200, 20))
    found = {}
    for score in (scores.Likelihood(), scores.Typicality(group_size=1), scores.Typicality(group_size=20)):
        score.fit(normal(d=20), inside[:200])
        found[len(found)] = detection(*(score.score(x) for x in (inside[200:], outside)), num_resamples=100).auroc.value
    assert found[0] < 0.25 and 0.6 < found[1] < 0.9 and found[2] > 0.99


def test_waic_is_variance_minus_mean():
    means = (-0.3, 0.1, 0.5)
    score = scores.WAIC().fit([normal(mean) for mean in means], X)
    each = np.stack([nats(X, mean) for mean in means])
    np.testing.assert_allclose(score.score(X), each.var(axis=0) - each.mean(axis=0))


def test_outside_of_the_support_every_score_by_likelihood_is_infinite():
    box = tfd.Independent(tfd.Uniform(np.full(3, -9.0), np.full(3, 9.0)), 1)
    for score in (scores.Likelihood(), scores.Typicality(), scores.LikelihoodRatio(background=normal())):
        assert score.fit(box, X).score(np.full([1, 3], 10.0)) == np.inf
    assert scores.WAIC().fit([box, normal()], X).score(np.full([1, 3], 10.0)) == np.inf
    assert scores.LikelihoodRatio(background=box).fit(box, X).score(np.full([1, 3], 10.0)) == np.inf  # outside of both


def test_summary_statistics_are_rare_by_the_product_of_their_kernel_densities():
    given = [lambda model, x: x[:, 0], lambda model, x: np.asarray(model.log_prob(x))]
    score = scores.SummaryStatistics(statistics=given).fit(normal(), X[:40])
    expected = 0
    for of_data, values in ((X[:40, 0], X[:, 0]), (nats(X[:40]), nats(X))):
        width = of_data.std(ddof=1) * 40 ** (-1 / 5)  # Scott's
        expected = expected - np.log(scipy.stats.norm(of_data, width).pdf(values[:, None]).mean(axis=1))
    np.testing.assert_allclose(score.score(X), expected)


def test_statistics_of_a_flow_are_likelihood_latent_and_log_det(flow):
    score = scores.SummaryStatistics(seed=3, batch_size=4).fit(flow, IMAGES)
    log_p, latent, rest = score._of(IMAGES)
    key = np.random.default_rng([3, 1]).integers(2**31, size=2).astype(np.int32)
    reals, log_q = flow.dequantization(IMAGES[4:8], seed=key)
    log_det = flow.bijector.inverse_log_det_jacobian(reals, 3).numpy() - log_q.numpy()
    np.testing.assert_allclose(rest[4:8], log_det, rtol=1e-4)
    np.testing.assert_allclose(log_p, latent + rest)
    z = flow.encode(IMAGES[4:8], seed=key).numpy().reshape(4, -1)
    np.testing.assert_allclose(latent[4:8], -0.5 * (z**2).sum(axis=1) - 32 * math.log(2 * math.pi), rtol=1e-5)


def test_complexity_is_bits_beyond_the_code(flow):
    score = scores.InputComplexity(codec="png").fit(flow, IMAGES)
    bits = scores.Likelihood().fit(flow, IMAGES).score(IMAGES) / (64 * math.log(2))
    np.testing.assert_allclose(score.score(IMAGES), bits - scores.code_lengths(IMAGES, "png") / 64)


def test_gradients_are_those_of_differences(flow):
    np.testing.assert_allclose(scores.GradientNorm().fit(normal(), X).score(X), np.linalg.norm(X, axis=1))
    mean = tf.Variable([1.0, 2.0], dtype=tf.float64)
    model = tfd.MultivariateNormalDiag(mean, tf.ones(2, tf.float64))
    score = scores.GradientNorm(of="weights").fit(model, X[:, :2])
    np.testing.assert_allclose(score.score(X[:, :2]), np.linalg.norm(X[:, :2] - [1, 2], axis=1))
    steep = scores.GradientNorm(seed=1, batch_size=6).fit(flow, IMAGES)
    key = np.random.default_rng([1, 0]).integers(2**31, size=2).astype(np.int32)
    y = flow.dequantization(IMAGES[:6], seed=key)[0].numpy()[:1]
    steps = 0.05 * np.eye(64, dtype="float32").reshape(64, 8, 8, 1)
    slopes = (flow.log_prob(y + steps) - flow.log_prob(y - steps)).numpy() / 0.1
    np.testing.assert_allclose(steep.score(IMAGES)[0], np.linalg.norm(slopes), rtol=0.01)


def test_integers_under_a_density_of_reals_have_noise_of_the_seed():
    density = tfd.Independent(tfd.Normal(tf.fill([8, 8, 1], 128.0), 60.0), 3)
    found = [scores.Likelihood(seed=seed).fit(density, IMAGES).score(IMAGES) for seed in (0, 0, 1)]
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    reals = IMAGES.astype("float64") + 0.5
    np.testing.assert_allclose(found[0], -scipy.stats.norm(128, 60).logpdf(reals).sum(axis=(1, 2, 3)), rtol=0.01)
    flat = IMAGES.reshape(12, -1) + 0.5
    sklearn_density = GaussianMixture(1, covariance_type="spherical").fit(flat)
    by_image = scores.Likelihood().fit(sklearn_density, IMAGES + 0.5).score(IMAGES + 0.5)
    np.testing.assert_allclose(by_image, -sklearn_density.score_samples(flat))


def test_a_model_of_latents_is_scored_by_its_weights():
    class Weighed:
        def log_weights(self, x, *, num_samples, seed):
            return np.tile(x[:, 0], (num_samples, 1)) + np.log(np.arange(1, num_samples + 1))[:, None]

    score = scores.Likelihood(num_draws=3).fit(Weighed(), X)
    np.testing.assert_allclose(score.score(X), -X[:, 0] - np.log(2))


def test_a_served_flow_is_scored_as_the_flow(flow, tmp_path):
    flow.export(tmp_path / "flow", endpoints=("discrete_log_prob", "log_prob"))
    served = tf.saved_model.load(str(tmp_path / "flow"))
    for score in (scores.Likelihood(seed=2), scores.InputComplexity(codec="png"), scores.Typicality(group_size=2)):
        of_flow, of_served = (score.fit(model, IMAGES).score(IMAGES) for model in (flow, served))
        np.testing.assert_allclose(of_served, of_flow, rtol=1e-5)


def test_mutated_entries_are_as_many_and_as_uniform_as_asked():
    x = np.full([500, 8, 8, 1], 3, "uint8")
    changed = scores.mutated(x, rate=0.25, levels=16, seed=1)
    assert changed.dtype == np.uint8 and abs((changed != 3).mean() - 0.25 * 15 / 16) < 0.01
    counts = np.bincount(changed[changed != 3], minlength=16)
    assert scipy.stats.chisquare(np.delete(counts, 3)).pvalue > 1e-3
    np.testing.assert_array_equal(scores.mutated(x, rate=0.0), x)
