"""Attribute directions against closed forms, and the worked example of inpainting against a Gaussian's conditional."""

import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tfflows import evaluation, models

tfb, tfd = tfp.bijectors, tfp.distributions

FACTOR = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [-0.5, 1.1, 0.7]])
SHIFT = np.array([1.0, -2.0, 0.5])


@pytest.fixture(scope="module")
def linear():
    """`x = L e + shift`, in float64."""
    base = tfd.MultivariateNormalDiag(tf.zeros(3, tf.float64), tf.ones(3, tf.float64))
    links = [tfb.Shift(SHIFT), tfb.ScaleMatvecTriL(FACTOR)]
    return models.FlowModel(tfd.TransformedDistribution(base, tfb.Chain(links)), dtype="float64")


def test_direction_of_a_linear_flow_is_that_of_the_means_in_whitened_space(linear):
    rng, has = np.random.default_rng(0), np.arange(400) % 3 == 0
    x = rng.normal(size=(400, 3)) @ FACTOR.T + np.outer(has, [1.0, 2.0, 0.0])
    direction = evaluation.attribute_direction(linear, x, has)
    right = np.linalg.solve(FACTOR, x[has].mean(axis=0) - x[~has].mean(axis=0))
    np.testing.assert_allclose(direction, right, rtol=1e-10)
    # With the true covariance, whitened, that is the direction of linear discriminant analysis.
    z = np.linalg.solve(FACTOR, (x - SHIFT).T).T
    found = LinearDiscriminantAnalysis(solver="lsqr").fit(z, has).coef_[0]
    assert found @ direction / np.linalg.norm(found) / np.linalg.norm(direction) > 0.99
    moved = evaluation.attribute_traversal(linear, x[:5], direction, [-1.0, 0.0, 0.5])
    assert moved.shape == (5, 3, 3)
    np.testing.assert_allclose(moved[:, 1], x[:5], rtol=1e-10)
    np.testing.assert_allclose(moved[:, 2] - x[:5], np.tile(FACTOR @ right / 2, (5, 1)), rtol=1e-8)


def test_direction_with_a_context_and_of_images():
    glow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=2, discrete_levels=17, num_classes=2)
    x = np.random.default_rng(0).integers(17, size=(6, 4, 4, 1)).astype("uint8")
    labels = np.arange(6) % 2
    direction = evaluation.attribute_direction(glow, x, labels == 1, labels)
    assert direction.shape == (4, 4, 1)
    moved = evaluation.attribute_traversal(glow, x[:2], direction, [0.0, 2.0], labels[:2])
    np.testing.assert_array_equal(moved[:, 0], x[:2])
    assert moved.dtype == np.uint8 and moved.shape == (2, 2, 4, 4, 1)


def test_bad_input(linear):
    x = np.zeros([4, 3])
    ask = evaluation.attribute_direction
    with pytest.raises(TypeError, match="`model` must have `encode`. Received: object"):
        ask(object(), x, [True, False, True, False])
    with pytest.raises(TypeError, match="booleans. Received: dtype int64"):
        ask(linear, x, np.array([0, 1, 0, 1]))
    for has in (np.ones(4, bool), np.zeros(4, bool), np.ones(3, bool)):
        with pytest.raises(ValueError, match="some must, some must not. Received"):
            ask(linear, x, has)
    with pytest.raises(ValueError, match="at least one. Received: shape"):
        ask(linear, x[:0], [])
    with pytest.raises(ValueError, match="Latents must be finite. Received: 4 of 4"):
        ask(linear, x * np.nan, [True, False, True, False])
    with pytest.raises(ValueError, match=r"shape of latents, \(3,\).*Received: shapes \(2,\) and \(1,\)"):
        evaluation.attribute_traversal(linear, x, np.zeros(2), [1.0])


def inpainting():
    path = pathlib.Path(__file__).parents[2] / "examples" / "inpainting.py"
    spec = importlib.util.spec_from_file_location("inpainting", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_inpainting_draws_from_the_exact_posterior(linear):
    script, seen = inpainting(), np.array([True, False, False])
    given = np.array([2.0, -1.0])
    x = np.full([40, 3], np.nan)
    x[:, 0] = np.repeat(given, 20)
    options = {"num_draws": 400, "num_burnin": 200, "step_size": 0.3}
    draws, accepted = script.inpainted(linear.log_prob, x, seen, np.zeros(3), **options)
    assert 0.5 < accepted < 1.0 and draws.shape == (400, 40, 3)
    np.testing.assert_array_equal(draws[:, :, 0], np.tile(x[:, 0], (400, 1)))
    covariance = FACTOR @ FACTOR.T
    right = script.gaussian_mean(SHIFT, covariance, x, seen)[[0, 20], 1:]
    by_hand = SHIFT[1:] + np.outer(given - SHIFT[0], covariance[1:, 0] / covariance[0, 0])
    np.testing.assert_allclose(right, by_hand, rtol=1e-12)
    schur = covariance[1:, 1:] - np.outer(covariance[1:, 0], covariance[0, 1:]) / covariance[0, 0]
    for mean, chains in zip(by_hand, (slice(20), slice(20, 40))):
        pooled = draws[:, chains, 1:].reshape(-1, 2)
        np.testing.assert_allclose(pooled.mean(axis=0), mean, atol=0.06)
        np.testing.assert_allclose(np.cov(pooled.T), schur, atol=0.12)
