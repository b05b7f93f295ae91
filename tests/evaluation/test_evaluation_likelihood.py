"""Estimates on models whose likelihood is known in closed form."""

import math

import numpy as np
import pytest

from tfflows import datasets, evaluation


class Gaussian:
    """`N(mean, scale^2)` in each of the columns; counts its calls."""

    def __init__(self, mean=0.0, scale=1.0):
        self.mean, self.scale, self.batches = mean, scale, []

    def log_prob(self, x, context=None):
        self.batches.append(len(x))
        mean = self.mean if context is None else context[:, None]
        z = (np.asarray(x, np.float64) - mean) / self.scale
        return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi) - math.log(self.scale)).sum(axis=1)


def _normal(n, d=2, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_nats_of_a_gaussian_are_its_entropy_within_the_error():
    found = evaluation.negative_log_likelihood(Gaussian(), _normal(40_000))
    entropy = math.log(2 * math.pi * math.e)
    assert abs(found.mean - entropy) < 4 * found.standard_error
    np.testing.assert_allclose(found.standard_error, 1 / math.sqrt(40_000), rtol=0.03)  # var(z^2 / 2) is 1/2 each
    assert found.count == 40_000 and str(found) == f"{found.mean:.4f} ± {found.standard_error:.4f}"


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_batches_cover_every_example_once(batch_size):
    model, x = Gaussian(), _normal(20)
    found = evaluation.negative_log_likelihood(model, x, batch_size=batch_size)
    assert sum(model.batches) == 20 and max(model.batches) == min(batch_size, 20)
    np.testing.assert_allclose(found.mean, -Gaussian().log_prob(x).mean())


def test_context_goes_with_its_examples():
    mean = np.arange(20.0)
    found = evaluation.negative_log_likelihood(Gaussian(), np.tile(mean[:, None], (1, 2)), mean, batch_size=6)
    np.testing.assert_allclose(found.mean, math.log(2 * math.pi))


def test_gap_is_the_kl_divergence_with_a_paired_error():
    x, true, model = _normal(20_000), Gaussian(), Gaussian(mean=0.1)
    found = evaluation.gap_to_density(model, true, x)
    assert abs(found.mean - 2 * 0.1**2 / 2) < 4 * found.standard_error  # KL of two unit Gaussians 0.1 apart, twice
    assert found.standard_error < 0.2 * evaluation.negative_log_likelihood(model, x).standard_error
    assert evaluation.gap_to_density(true, true, x).mean == 0


def _coin(n=4000):
    """Integers 0 and 1 as a data set of two levels."""
    draws = np.random.default_rng(0).integers(2, size=(n, 3)).astype(np.int32)
    return datasets.Dataset("coin", draws, draws, draws, discrete_levels=2)


class Staircase:
    """A density over `[0, 2)^3` that gives each integer `p` and, of it, `tilt` to the lower half of the cell."""

    def __init__(self, p, tilt=0.5):
        self.p, self.tilt = np.asarray(p), tilt

    def log_prob(self, x):
        low = (x - np.floor(x)) < 0.5
        density = self.p[np.floor(x).astype(int)] * np.where(low, self.tilt, 1 - self.tilt) * 2
        return np.log(density).sum(axis=1)


def test_bits_of_fair_coins_are_one():
    nats = evaluation.discrete_negative_log_likelihood(Staircase([0.5, 0.5]), _coin())
    bits = evaluation.bits_per_dim(nats, (3,))
    np.testing.assert_allclose([nats.mean, bits.mean], [3 * math.log(2), 1], rtol=1e-6)
    assert bits.count == 4000 and bits.standard_error < 1e-9


def test_discrete_likelihood_is_a_bound_that_noise_draws_average():
    model, data = Staircase([0.5, 0.5], tilt=0.9), _coin()
    one, many = (evaluation.discrete_negative_log_likelihood(model, data, num_draws=n, seed=1) for n in (1, 16))
    expected = 3 * (math.log(2) - 0.5 * math.log(4 * 0.9 * 0.1))
    assert expected > 3 * math.log(2)
    assert abs(many.mean - expected) < 4 * many.standard_error
    assert many.standard_error < 0.4 * one.standard_error
    again = evaluation.discrete_negative_log_likelihood(model, data, num_draws=1, seed=1)
    assert again == one != evaluation.discrete_negative_log_likelihood(model, data, num_draws=1, seed=2)


def test_what_is_no_number_is_refused_not_averaged():
    class Broken:
        def log_prob(self, x):
            return np.where(np.arange(len(x)) == 3, -np.inf, 0.0)

    with pytest.raises(ValueError, match="1 of 5 that are not, the first -inf of example 3"):
        evaluation.negative_log_likelihood(Broken(), _normal(5))
    with pytest.raises(ValueError, match="At least one example"):
        evaluation.negative_log_likelihood(Gaussian(), _normal(0))
    with pytest.raises(ValueError, match="Discrete data"):
        evaluation.discrete_negative_log_likelihood(Gaussian(), datasets.wine())
    with pytest.raises(ValueError, match="at least 1"):
        evaluation.discrete_negative_log_likelihood(Staircase([0.5, 0.5]), _coin(), num_draws=0)
