"""Precision, recall, density, coverage, two-sample tests and nearest neighbours, each against something independent."""

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel

from tfflows.evaluation import classifier_two_sample_test, kernel_two_sample_test, memorisation, precision_and_recall


def normal(n, d=2, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def by_hand(x, y, k):
    """The four numbers by loops, as the papers write them."""
    distance = lambda a, b: math.sqrt(sum((a - b) ** 2))  # noqa: E731
    radius = lambda a, i: sorted(distance(a[i], a[j]) for j in range(len(a)) if j != i)[k - 1]  # noqa: E731
    of_x, of_y = ([radius(a, i) for i in range(len(a))] for a in (x, y))
    inside = [[distance(x[i], y[j]) <= of_x[i] for i in range(len(x))] for j in range(len(y))]
    recalled = [any(distance(x[i], y[j]) <= of_y[j] for j in range(len(y))) for i in range(len(x))]
    return (
        sum(any(row) for row in inside) / len(y),
        sum(recalled) / len(x),
        sum(map(sum, inside)) / (k * len(y)),
        sum(any(row[i] for row in inside) for i in range(len(x))) / len(x),
    )


@pytest.mark.parametrize("k", [1, 4])
def test_manifolds_are_those_of_the_papers_by_hand(k):
    x, y = normal(23), normal(17, seed=1, shift=0.4)
    found = precision_and_recall(x.reshape(23, 1, 2), y.reshape(17, 1, 2), num_neighbours=k)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(by_hand(x, y, k))


def test_manifolds_of_one_density_have_the_expected_values():
    n, m, k = 300, 400, 5
    found = [precision_and_recall(normal(n, 3, 2 * i), normal(m, 3, 2 * i + 1), num_neighbours=k) for i in range(20)]
    density, coverage = ([getattr(each, name) for each in found] for name in ("density", "coverage"))
    expected = 1 - math.prod((n - 1 - j) / (n + m - 1 - j) for j in range(k))
    for values, right in ((density, 1.0), (coverage, expected)):
        assert abs(np.mean(values) - right) < 4 * np.std(values) / math.sqrt(20)


def test_manifolds_tell_missing_modes_from_bad_samples_and_take_features():
    x = np.concatenate([normal(200), normal(200, seed=1, shift=20.0)])
    one_mode, wild = precision_and_recall(x, normal(400, seed=2)), precision_and_recall(x, 30 * normal(400, seed=3))
    assert one_mode.precision > 0.9 and 0.4 < one_mode.recall < 0.6 and one_mode.coverage < 0.6
    assert wild.precision < 0.2
    moved = np.concatenate([x, 50 + x], axis=1)
    found = precision_and_recall(moved, np.concatenate([x, x], axis=1), features=lambda rows: rows[:, :2])
    assert found.precision == found.recall == found.coverage == 1.0


def test_mmd_is_that_of_scikit_learn_s_kernel_and_of_the_integral():
    x, y = normal(40, 3), normal(30, 3, 1, 0.5)
    found = kernel_two_sample_test(x, y, bandwidth=1.3, num_permutations=9)
    k_xx, k_yy, k_xy = (rbf_kernel(a, b, gamma=1 / (2 * 1.3**2)) for a, b in ((x, x), (y, y), (x, y)))
    off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    assert found.mmd_squared == pytest.approx(off(k_xx) + off(k_yy) - 2 * k_xy.mean(), rel=1e-12)
    distances = scipy.spatial.distance.pdist(np.concatenate([x, y]))
    assert kernel_two_sample_test(x, y, num_permutations=1).bandwidth == pytest.approx(np.median(distances))
    # Of N(0, 1) and N(m, 1) E k = b / sqrt(b^2 + 2) exp(-m^2 / (2 (b^2 + 2))): the estimate is unbiased.
    b, shift = 1.0, 0.7
    same, across = (b / math.sqrt(b**2 + 2) * math.exp(-(m**2) / (2 * (b**2 + 2))) for m in (0, shift))
    found = [
        kernel_two_sample_test(normal(50, 1, 2 * i), normal(50, 1, 2 * i + 1, shift), bandwidth=b, num_permutations=1)
        for i in range(200)
    ]
    values = [each.mmd_squared for each in found]
    assert abs(np.mean(values) - 2 * (same - across)) < 4 * np.std(values) / math.sqrt(200)


def test_p_values_are_uniform_if_nothing_differs_and_small_if_it_does():
    sets = ((normal(20, 2, 2 * i), normal(25, 2, 2 * i + 1)) for i in range(200))
    p = np.array([kernel_two_sample_test(*each, num_permutations=99).p_value for each in sets])
    assert scipy.stats.chisquare(np.histogram(p, bins=5, range=(0, 1.001))[0]).pvalue > 1e-3
    assert kernel_two_sample_test(normal(60), normal(60, seed=1, shift=1.0)).p_value == pytest.approx(1 / 1001)


def test_classifier_test_reaches_the_best_accuracy_there_is_and_guesses_if_nothing_differs():
    shift = 1.0
    found = classifier_two_sample_test(
        normal(4000, 1), normal(9000, 1, 1, shift), classifier=LogisticRegression(), features=lambda x: 2 * x
    )
    best = scipy.stats.norm.cdf(shift / 2)  # of the density ratio
    assert found.count == 4000 and abs(found.accuracy - best) < 4 * math.sqrt(best * (1 - best) / 4000)
    assert found.p_value == pytest.approx(scipy.stats.binom.sf(round(4000 * found.accuracy) - 1, 4000, 0.5))
    p = [
        classifier_two_sample_test(normal(80, 2, 2 * i), normal(80, 2, 2 * i + 1), classifier=LogisticRegression())
        for i in range(100)
    ]
    assert 0.3 < np.mean([each.p_value < 0.5 for each in p]) < 0.7
    assert classifier_two_sample_test(normal(60), normal(60, seed=1, shift=4.0)).accuracy > 0.9


def test_copies_are_seen_and_new_samples_are_not_suspected():
    train, new, samples = normal(200, 5), normal(100, 5, 1), normal(150, 5, 2)
    copied = np.concatenate([samples[:100], train[:50] + 1e-3])
    honest, thief = memorisation(samples, train, new), memorisation(copied, train, new)
    np.testing.assert_array_equal(thief.nearest[100:], np.arange(50))
    right = np.sqrt(((samples[:, None] - train) ** 2).sum(-1)).min(1)
    np.testing.assert_allclose(honest.distances, right, rtol=1e-9)
    assert honest.ratio == pytest.approx(np.median(right) / np.median(honest.held_out_distances))
    assert honest.p_value > 0.01 and thief.p_value < 1e-3 and thief.ratio < honest.ratio


def test_an_offset_changes_nothing():
    x, y, far = normal(60), normal(50, seed=1, shift=0.3), 2.0**26
    near = precision_and_recall(x, y), kernel_two_sample_test(x, y).mmd_squared, memorisation(y, x, y[:20] + 1).ratio
    away = [each + far for each in (x, y, y[:20] + 1)]
    found = precision_and_recall(*away[:2]), kernel_two_sample_test(*away[:2]).mmd_squared
    assert found[0] == near[0] and found[1] == pytest.approx(near[1], rel=1e-5)
    assert memorisation(away[1], away[0], away[2]).ratio == pytest.approx(near[2], rel=1e-5)


@pytest.mark.parametrize("judge", [precision_and_recall, kernel_two_sample_test, classifier_two_sample_test])
def test_bad_sets(judge):
    x = normal(30)
    with pytest.raises(ValueError, match=r"must hold (2|4) examples or more. Received: 1"):
        judge(x, x[:1])
    with pytest.raises(ValueError, match=r"must hold (2|4) examples or more. Received: 0"):
        judge(x[:0], x)
    with pytest.raises(ValueError, match=r"examples of one shape. Received: \{'\w+': \(2,\), '\w+': \(1,\)\}"):
        judge(x, x[:, :1])
    bad = x.copy()
    bad[[4, 7], 1] = np.nan
    with pytest.raises(ValueError, match="must be finite. Received: 2 of 30 examples that are not, the first number 4"):
        judge(x, bad)
    with pytest.raises(ValueError, match="must be finite. Received: 30 of 30"):
        judge(x, x, features=lambda rows: rows * np.nan)
    with pytest.raises(ValueError, match="`features` must give a row for each of 30 examples"):
        judge(x, x, features=lambda rows: rows[:3])
    with pytest.raises(ValueError, match="must be numbers"):
        judge(x, np.full([30, 2], "a"))


def test_other_bad_input():
    x = normal(30)
    with pytest.raises(ValueError, match="`num_neighbours` must be an integer from 1 to 9. Received: 10"):
        precision_and_recall(x, x[:10], num_neighbours=10)
    with pytest.raises(ValueError, match="Most of the examples are equal: give a `bandwidth`"):
        kernel_two_sample_test(np.zeros([9, 2]), np.zeros([9, 2]))
    with pytest.raises(ValueError, match="`held_out` must be data that are not in `train`"):
        memorisation(x, x, x[:10])
    with pytest.raises(ValueError, match="`held_out` must hold 2 examples or more. Received: 1"):
        memorisation(x, x, x[:1])
