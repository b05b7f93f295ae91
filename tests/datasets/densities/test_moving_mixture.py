"""The known conditional density against integrals and draws."""

import numpy as np
import pytest

from tfflows import datasets


def test_integrates_to_one_at_every_context():
    density = datasets.moving_mixture()
    axis = (np.arange(400) + 0.5) / 400 * 9 - 4.5
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    for c in (-1.0, -0.3, 0.6, 1.0):
        log_prob = density.log_prob(grid, np.full((len(grid), 1), c))
        assert np.exp(log_prob).sum() * (9 / 400) ** 2 == pytest.approx(1.0, abs=1e-3)


def test_entropy_and_draws_agree():
    density = datasets.moving_mixture()
    x, context = density.sample(100_000, seed=0)
    surprise = -density.log_prob(x, context)
    assert abs(surprise.mean() - density.entropy) < 4 * surprise.std() / np.sqrt(len(x))
    assert x.dtype == context.dtype == np.float32 and np.abs(context).max() <= 1
    np.testing.assert_array_equal(x, density.sample(100_000, seed=0)[0])


def test_moments_at_a_context():
    x, context = datasets.moving_mixture().sample(50_000, context=[0.5], seed=1)
    weight, deviation = 1 / (1 + np.exp(-1)), 0.4
    np.testing.assert_array_equal(context, np.full((50_000, 1), 0.5, "float32"))
    np.testing.assert_allclose(x.mean(0), [0, 1.5 * (2 * weight - 1)], atol=0.03)
    spread = 1.5**2 * 4 * weight * (1 - weight)
    np.testing.assert_allclose(x.var(0), [deviation**2, deviation**2 + spread], rtol=0.03)


def test_bad_input():
    density = datasets.moving_mixture()
    for n in (-1, 1.5, True):
        with pytest.raises(ValueError, match="`n` must be an integer of at least 0"):
            density.sample(n)
    with pytest.raises(ValueError, match=r"`context` must have shape \[3, 1\] and values from -1 to 1"):
        density.sample(3, context=[2.0])
    with pytest.raises(ValueError, match=r"`context` must have shape \[4, 1\]"):
        density.log_prob(np.zeros([4, 2]), np.zeros([3, 1]))
    with pytest.raises(ValueError, match=r"`x` must be finite, of shape \[n, 2\]. Received: shape \[4, 3\]"):
        density.log_prob(np.zeros([4, 3]), np.zeros([4, 1]))
