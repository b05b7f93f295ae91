"""Surprise of a column against the closed form of a normal."""

import types

import numpy as np
import pytest
import scipy.stats
import tensorflow_probability as tfp

from tfflows.evaluation import conditional_surprise

COVARIANCE = np.array([[1.0, 0.9, 0.0], [0.9, 1.5, -0.3], [0.0, -0.3, 0.7]])
NORMAL = tfp.distributions.MultivariateNormalTriL(np.zeros(3), np.linalg.cholesky(COVARIANCE))
X = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [9.0, 0.0, 0.0]])
GRID = np.tile(np.linspace(-12, 12, 301)[:, None], 3)


def closed_form(x):
    """`-log p(x_j | x_-j)` of the normal: its precision has the conditional variances on the diagonal."""
    precision = np.linalg.inv(COVARIANCE)
    variance = 1 / np.diag(precision)
    residual = (x @ precision) * variance
    return 0.5 * residual**2 / variance + 0.5 * np.log(2 * np.pi * variance)


class Scaled:
    """A density up to a factor, on one half of the line."""

    def log_prob(self, x):
        return np.where(x[:, 0] < -5, np.nan, np.asarray(NORMAL.log_prob(x)) + 100)


@pytest.mark.parametrize("density", [NORMAL, Scaled()])
def test_it_is_the_closed_form_of_a_normal(density):
    found = conditional_surprise(density, X, GRID, width=0.1)
    np.testing.assert_allclose(found, closed_form(X), atol=2e-3)
    assert found[1].argmax() == 1


def test_columns_go_in_blocks(monkeypatch):
    whole = conditional_surprise(NORMAL, X, GRID, width=0.1)
    monkeypatch.setattr("tfflows.evaluation.surprise._ENTRIES", 1)
    np.testing.assert_allclose(conditional_surprise(NORMAL, X, GRID, width=0.1), whole, rtol=1e-12)


def test_another_grid_is_refused():
    with pytest.raises(ValueError, match=r"same columns. Received: shapes \(3, 3\) and \(301, 2\)"):
        conditional_surprise(NORMAL, X, GRID[:, :2], width=0.1)


def test_integers_are_numbers_and_what_is_impossible_is_infinite():
    normal = scipy.stats.multivariate_normal(np.zeros(2), np.eye(2))
    model, grid = types.SimpleNamespace(log_prob=normal.logpdf), np.linspace(-6, 6, 97)[:, None] * np.ones(2)
    rows = np.array([[1, 2], [0, -1]])
    expected = -scipy.stats.norm.logpdf(rows)
    np.testing.assert_allclose(conditional_surprise(model, rows, grid, width=0.5), expected, atol=1e-4)
    box = types.SimpleNamespace(log_prob=lambda x: np.where((np.abs(x) < 3).all(axis=1), 0.0, -np.inf))
    assert (conditional_surprise(box, np.array([[9.0, 9.0]]), grid, width=0.5) == np.inf).all()
