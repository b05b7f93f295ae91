"""Kernels of several widths against scikit-learn's of one, and against integrals."""

import numpy as np
import pytest
import scipy.special
from scipy.integrate import trapezoid
from sklearn.neighbors import KernelDensity

from tfflows.evaluation import KernelMixture

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(60, 3)) * [1.0, 0.5, 2.0]
NEW = RNG.normal(size=(7, 3))


def of_sklearn(rows, x, widths, weights):
    by_width = [KernelDensity(bandwidth=h).fit(rows).score_samples(x) for h in widths]
    return scipy.special.logsumexp(by_width, axis=0, b=np.asarray(weights)[:, None])


def test_log_prob_is_a_mixture_of_kernel_densities():
    density = KernelMixture(ROWS)
    assert density.weights.sum() == pytest.approx(1) and len(density.widths) > 1
    np.testing.assert_allclose(density.log_prob(NEW), of_sklearn(ROWS, NEW, density.widths, density.weights), rtol=1e-9)


def test_own_kernels_are_left_out():
    density = KernelMixture(ROWS, widths=[0.3, 1.0])
    expected = [
        of_sklearn(np.delete(ROWS, i, axis=0), ROWS[i : i + 1], density.widths, density.weights)[0] for i in range(5)
    ]
    np.testing.assert_allclose(density.left_out[:5], expected, rtol=1e-9)
    mixed = density.log_prob(ROWS[:5], own=[0, -1, 2, 3, 4])
    np.testing.assert_allclose(mixed[[0, 2, 3, 4]], np.take(expected, [0, 2, 3, 4]), rtol=1e-9)
    np.testing.assert_allclose(mixed[1], density.log_prob(ROWS[1:2])[0], rtol=1e-12)


def test_no_other_weights_make_rows_likelier():
    density = KernelMixture(ROWS)
    kernels = [KernelMixture(ROWS, widths=[h]).left_out for h in density.widths]
    for weights in RNG.dirichlet(np.ones(len(kernels)), size=200):
        other = scipy.special.logsumexp(kernels, axis=0, b=weights[:, None])
        assert other.mean() <= density.left_out.mean() + 1e-3


def test_rows_that_come_twice_have_narrow_kernels():
    assert KernelMixture(np.repeat(ROWS, 2, axis=0)).widths[0] == 0.02
    assert KernelMixture(ROWS).widths[0] > 0.1


@pytest.mark.parametrize("column", [0, 2])
def test_density_without_a_column_is_the_integral_over_it(column):
    density, grid = KernelMixture(ROWS, widths=[0.3, 1.0]), np.linspace(-15, 15, 2001)
    moved = np.tile(NEW[0], (len(grid), 1))
    moved[:, column] = grid
    expected = np.log(trapezoid(np.exp(density.log_prob(moved)), grid))
    np.testing.assert_allclose(density.log_prob(NEW[:1], without=column), expected, rtol=1e-9)
    one = KernelMixture(ROWS[:, :1]).log_prob(NEW[:, :1], without=0)
    np.testing.assert_allclose(one, 0, atol=1e-12)


def test_draws_have_the_moments_of_the_density():
    density = KernelMixture(ROWS, widths=[0.5, 1.0])
    draws = density.sample(200_000, seed=0)
    variance = ROWS.var(axis=0) + density.weights @ density.widths**2
    np.testing.assert_allclose(draws.mean(axis=0), ROWS.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.02)


def test_blocks_of_rows_change_nothing(monkeypatch):
    whole = KernelMixture(ROWS).log_prob(NEW, own=[-1, 3, -1, -1, 0, -1, 59])
    monkeypatch.setattr("tfflows.evaluation.kernel_mixture._ENTRIES", 2 * len(ROWS))
    np.testing.assert_array_equal(KernelMixture(ROWS).log_prob(NEW, own=[-1, 3, -1, -1, 0, -1, 59]), whole)


def test_bad_input_is_refused():
    for rows, said in ((ROWS[:1], "two rows or more"), (ROWS[0], "two rows"), (ROWS * np.nan, "180 that are not")):
        with pytest.raises(ValueError, match=said):
            KernelMixture(rows)
    with pytest.raises(ValueError, match=r"`widths` must be above 0. Received: \[0.1, -1\]"):
        KernelMixture(ROWS, widths=[0.1, -1])
    with pytest.raises(ValueError, match=r"rows of 3 columns. Received: shape \(7, 2\)"):
        KernelMixture(ROWS).log_prob(NEW[:, :2])
