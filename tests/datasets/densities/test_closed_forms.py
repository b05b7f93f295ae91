"""Closed forms against scipy: mixtures, rings, checkerboard, banana, funnel."""

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from tfflows import datasets
from tfflows.datasets.densities.lattice_entropy import lattice_entropy


def test_eight_gaussians_are_a_mixture_of_scipy_normals():
    density = datasets.eight_gaussians()
    x = np.concatenate([density.sample(50, seed=0), np.random.default_rng(0).uniform(-6, 6, (50, 2))])
    angle = np.arange(8) * np.pi / 4
    centres = 4 / np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    logs = [scipy.stats.multivariate_normal(c, np.eye(2) / 8).logpdf(x) for c in centres]
    expected = scipy.special.logsumexp(logs, axis=0) - np.log(8)
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-12)


def test_gaussian_grid_is_a_mixture_of_scipy_normals():
    density = datasets.gaussian_grid(side=3, spacing=2.0, noise=0.5)
    x = np.concatenate([density.sample(50, seed=0), np.random.default_rng(0).uniform(-4, 4, (50, 2))])
    centres = [(a, b) for a in (-2.0, 0.0, 2.0) for b in (-2.0, 0.0, 2.0)]
    logs = [scipy.stats.multivariate_normal(c, np.eye(2) / 4).logpdf(x) for c in centres]
    np.testing.assert_allclose(density.log_prob(x), scipy.special.logsumexp(logs, axis=0) - np.log(9), rtol=1e-12)
    one = datasets.gaussian_grid(side=1, noise=0.5)  # a normal
    np.testing.assert_allclose(one.entropy, np.log(2 * np.pi * np.e * 0.25), rtol=1e-9)


def test_pinwheel_untwisted_is_a_mixture_of_scipy_normals():
    density = datasets.pinwheel(twist=0.0)
    x = np.random.default_rng(0).uniform(-4, 4, (50, 2))
    logs = []
    for k in range(5):
        a = 2 * np.pi * k / 5
        rotation = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        covariance = rotation @ np.diag([0.3**2, 0.1**2]) @ rotation.T
        logs.append(scipy.stats.multivariate_normal(2 * rotation[:, 0], 4 * covariance).logpdf(x))
    np.testing.assert_allclose(density.log_prob(x), scipy.special.logsumexp(logs, axis=0) - np.log(5))


def test_pinwheel_twist_keeps_areas_and_matters():
    # The density at twisted points is that of the untwisted ones, and numerically the twist has determinant one.
    plain, twisted = datasets.pinwheel(twist=0.0), datasets.pinwheel(twist=0.7)

    def twist(x):
        angle = 0.7 * np.hypot(x[:, 0], x[:, 1]) / 2
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], axis=1)

    x = plain.sample(100, seed=0).astype(np.float64)
    np.testing.assert_allclose(twisted.log_prob(twist(x)), plain.log_prob(x), atol=1e-9)
    step = 1e-5
    columns = [(twist(x + step * e) - twist(x - step * e)) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(np.linalg.det(np.stack(columns, axis=-1)), 1, atol=1e-8)
    assert twisted.log_prob(x).mean() < plain.log_prob(x).mean() - 1


def test_rings_agree_with_an_integral_over_the_angle():
    density = datasets.rings()
    x = np.concatenate([density.sample(10, seed=0).astype(np.float64), [[0, 0], [1.1, -0.3], [4, 1], [30, 40]]])
    for row in x:
        gap = min(abs(np.hypot(*row) - radius) for radius in (0.75, 1.5, 2.25, 3.0))
        offset = gap**2 / (2 * 0.08**2)
        total = 0.0
        for radius in (0.75, 1.5, 2.25, 3.0):

            def integrand(t, row=row, radius=radius, offset=offset):
                square = (row[0] - radius * np.cos(t)) ** 2 + (row[1] - radius * np.sin(t)) ** 2
                return np.exp(offset - square / (2 * 0.08**2))

            middle = np.arctan2(row[1], row[0])
            edges = middle + np.linspace(-np.pi, np.pi, 81)
            total += sum(scipy.integrate.quad(integrand, a, b, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges))
        expected = np.log(total / (4 * 2 * np.pi)) - offset - np.log(2 * np.pi * 0.08**2)
        assert density.log_prob(row[None])[0] == pytest.approx(expected, abs=1e-8)


def test_bessel_function_of_the_rings_over_its_whole_range():
    z = np.concatenate([np.geomspace(1e-6, 1e9, 300), [499.999, 500.0, 500.001]])
    small, e = np.minimum(z, 500), 1 / (8 * np.maximum(z, 500))
    series = np.zeros_like(e)  # NIST Digital Library of Mathematical Functions, 10.40.1
    for k in range(6, 0, -1):
        series = (1 + series) * ((2 * k - 1) ** 2 / k) * e
    large = np.log1p(series) - 0.5 * np.log(2 * np.pi * np.maximum(z, 500))
    expected = np.where(z < 500, np.log(np.i0(small)) - small, large)
    on_the_ring = [datasets.rings(radii=(1.0,), noise=each**-0.5).log_prob([[1.0, 0.0]])[0] for each in z]
    np.testing.assert_allclose(on_the_ring + np.log(2 * np.pi / z), expected, rtol=1e-13, atol=1e-14)


def test_checkerboard_is_uniform_on_eight_squares():
    density = datasets.checkerboard()
    x = density.sample(80_000, seed=0)
    log_density = density.log_prob(x)
    np.testing.assert_allclose(log_density, -np.log(32))
    square = np.floor(x / 2).astype(int)
    squares, counts = np.unique(square, axis=0, return_counts=True)
    assert len(squares) == 8
    assert scipy.stats.chisquare(counts).pvalue > 1e-4
    offset = (x / 2 - square).ravel()
    assert scipy.stats.kstest(offset, "uniform").pvalue > 1e-4


def test_checkerboard_covers_half_its_board_and_nothing_beyond():
    density = datasets.checkerboard()
    axis = np.linspace(-5, 5, 500, endpoint=False) + 0.01
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert np.sum(np.exp(density.log_prob(points))) * 0.02**2 == pytest.approx(1, abs=1e-9)
    outside = np.array([[1.0, -1.0], [5.0, 5.0], [1e3, 1e3], [-4.1, 0.5]])
    np.testing.assert_array_equal(density.log_prob(outside), -np.inf)
    assert np.isfinite(density.log_prob([[0.5, 0.5]])).all()


def test_checkerboard_draws_stay_on_dark_squares_at_the_edge_of_float32(monkeypatch):
    density = datasets.checkerboard(size=0.7)

    class Extreme:
        def integers(self, high, size):
            return np.arange(size) % high

        def random(self, shape):
            return np.where(np.arange(shape[0])[:, None] % 16 < 8, 0.0, 1 - 2.0**-53) * np.ones(shape)

    x = np.asarray(density._draw(Extreme(), 16), dtype=np.float32)
    assert np.isfinite(density.log_prob(x)).all()


def test_banana_is_two_scipy_normals():
    density = datasets.banana(curvature=0.8, scale=1.2, noise=0.4)
    x = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    expected = scipy.stats.norm(0, 1.2).logpdf(x[:, 0])
    expected += scipy.stats.norm(0.8 * (x[:, 0] ** 2 - 1.44), 0.4).logpdf(x[:, 1])
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-12)
    assert density.entropy == pytest.approx(scipy.stats.norm(0, 1.2).entropy() + scipy.stats.norm(0, 0.4).entropy())


@pytest.mark.parametrize("dimensions", [2, 10])
def test_funnel_is_a_product_of_scipy_normals(dimensions):
    density = datasets.funnel(dimensions=dimensions)
    x = density.sample(200, seed=0).astype(np.float64)
    expected = scipy.stats.norm(0, 3).logpdf(x[:, 0])
    expected += scipy.stats.norm(0, np.exp(x[:, :1] / 2)).logpdf(x[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-10)
    standard = x[:, 1:] / np.exp(x[:, :1] / 2)
    assert scipy.stats.kstest(standard.ravel(), "norm").pvalue > 1e-4
    assert scipy.stats.kstest(x[:, 0], "norm", args=(0, 3)).pvalue > 1e-4


def test_funnel_neck_is_never_nan():
    density = datasets.funnel(dimensions=3)
    answers = density.log_prob([[-1e3, 0, 0], [-1e3, 1, 0], [1e3, 1e3, 1e3], [-50, 1e-11, 0]])
    assert np.isfinite(answers[[0, 2, 3]]).all()
    assert answers[0] == pytest.approx(-(1e6 / 18) + 1e3 - 1.5 * np.log(2 * np.pi) - np.log(3))
    assert answers[1] == -np.inf


def test_lattice_entropy_of_one_gaussian_and_of_far_apart_ones():
    def log_prob(x):
        logs = [-0.5 * np.sum((x - c) ** 2, axis=1) / 0.25 for c in ([0, 0], [40, 0])]
        return np.logaddexp(*logs) - np.log(2 * 2 * np.pi * 0.25)

    entropy = lattice_entropy(log_prob, np.array([[0.0, 0.0], [40.0, 0.0]]), scale=0.5)
    assert entropy == pytest.approx(np.log(2 * np.pi * np.e * 0.25) + np.log(2), abs=1e-10)
