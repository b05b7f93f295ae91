"""The quadrature of curves against scipy's, and the geometry of the moons against scikit-learn's."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sklearn.datasets

from tfflows import datasets
from tfflows.datasets.densities.density import ToyDensity

MOONS = [(lambda t: (np.cos(t), np.sin(t))), (lambda t: (1 - np.cos(t), 0.5 - np.sin(t)))]
SPIRALS = [
    (lambda t: (-t * np.cos(t) / 3, t * np.sin(t) / 3)),
    (lambda t: (t * np.cos(t) / 3, -t * np.sin(t) / 3)),
]
ROLL = [lambda t: (t * np.cos(t) / 5, t * np.sin(t) / 5)]


def by_scipy(x, curves, weight, interval, noise):
    """Log-density by one `quad` per short stretch of each curve, relative to the nearest point."""
    fine = np.linspace(*interval, 200_001)
    squares = [(x[0] - c(fine)[0]) ** 2 + (x[1] - c(fine)[1]) ** 2 for c in curves]
    offset = min(square.min() for square in squares)
    total = 0.0
    for curve, square in zip(curves, squares):
        # only stretches within exp(-45) of the best, each integrated by scipy on its own
        live = np.flatnonzero((square - offset) / (2 * noise**2) < 45)
        for group in np.split(live, np.flatnonzero(np.diff(live) > 1) + 1):
            if not len(group):
                continue
            ends = fine[max(group[0] - 1, 0)], fine[min(group[-1] + 1, len(fine) - 1)]
            for a, b in zip(np.linspace(*ends, 31)[:-1], np.linspace(*ends, 31)[1:]):

                def integrand(t, curve=curve):
                    c = curve(t)
                    square = (x[0] - c[0]) ** 2 + (x[1] - c[1]) ** 2
                    return weight(t) * np.exp(-(square - offset) / (2 * noise**2))

                total += scipy.integrate.quad(integrand, a, b, epsabs=1e-14, epsrel=1e-12)[0]
    return np.log(total / len(curves)) - offset / (2 * noise**2) - np.log(2 * np.pi * noise**2)


@pytest.mark.parametrize(
    ("density", "curves", "weight", "interval", "noise"),
    [
        (datasets.two_moons(), MOONS, lambda t: 1 / np.pi, (0, np.pi), 0.1),
        (datasets.two_moons(noise=0.02), MOONS, lambda t: 1 / np.pi, (0, np.pi), 0.02),
        (datasets.two_spirals(), SPIRALS, lambda t: 2 * t / (3 * np.pi) ** 2, (0, 3 * np.pi), 0.1),
        (datasets.swiss_roll(), ROLL, lambda t: 1 / (3 * np.pi), (1.5 * np.pi, 4.5 * np.pi), 0.2),
    ],
    ids=["two_moons", "thin_two_moons", "two_spirals", "swiss_roll"],
)
def test_quadrature_agrees_with_scipy_near_and_far(density, curves, weight, interval, noise):
    rng = np.random.default_rng(2)
    near = density.sample(6, seed=1).astype(np.float64)
    between = rng.uniform(-3, 3, (6, 2))
    far = 100 * rng.standard_normal((3, 2))
    x = np.concatenate([near, between, far, [[0.0, 0.0], [1.0, 0.5]]])
    expected = [by_scipy(row, curves, weight, interval, noise) for row in x]
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-11, atol=1e-8)


def test_far_away_the_density_follows_its_asymptote():
    # Far along +x2 only the top of the outer moon counts: a Gaussian integral over the angle (Laplace's method).
    noise, distance = 0.1, 1e4
    x = np.array([[0.0, distance]])
    laplace = -((distance - 1) ** 2) / (2 * noise**2) - np.log(2 * np.pi * noise**2)
    laplace += np.log(0.5 / np.pi) + 0.5 * np.log(2 * np.pi * noise**2 / distance)
    # relative to 5e9 nats, the rest is a few rounding errors
    assert datasets.two_moons(noise=noise).log_prob(x)[0] == pytest.approx(laplace, abs=1e-3)


def test_moons_are_distributed_as_those_of_scikit_learn():
    ours = datasets.two_moons(noise=0.1).sample(20_000, seed=0)
    theirs, _ = sklearn.datasets.make_moons(20_000, noise=0.1, random_state=0)
    for direction in ([1, 0], [0, 1], [0.6, 0.8], [0.8, -0.6]):
        assert scipy.stats.ks_2samp(ours @ direction, theirs @ direction).pvalue > 1e-4
    radius = [np.hypot(x[:, 0] - 0.5, x[:, 1] - 0.25) for x in (ours, theirs)]
    assert scipy.stats.ks_2samp(*radius).pvalue > 1e-4


def test_swiss_roll_is_distributed_as_that_of_scikit_learn():
    ours = datasets.swiss_roll().sample(20_000, seed=0)
    theirs = sklearn.datasets.make_swiss_roll(20_000, noise=1.0, random_state=0)[0][:, [0, 2]] / 5
    for direction in ([1, 0], [0, 1], [0.6, 0.8]):
        assert scipy.stats.ks_2samp(ours @ direction, theirs @ direction).pvalue > 1e-4


def test_spirals_are_each_others_reflection_through_the_origin():
    density = datasets.two_spirals()
    x = density.sample(200, seed=0)
    np.testing.assert_allclose(density.log_prob(x), density.log_prob(-x), atol=1e-9)


def test_a_hundred_thousand_points_in_seconds_and_bounded_memory():
    import time
    import tracemalloc

    density = datasets.two_spirals()
    x = density.sample(20_000, seed=0)
    density.log_prob(x[:10])
    begin = time.perf_counter()
    density.log_prob(x)
    assert time.perf_counter() - begin < 10  # 0.5 s on an idle core
    tracemalloc.start()
    density.log_prob(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


def test_a_subclass_that_writes_nothing_says_so():
    density = ToyDensity("empty", event_shape=(2,))
    with pytest.raises(NotImplementedError):
        density.sample(1)
