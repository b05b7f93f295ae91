"""Detection agrees with scikit-learn, ties and all, and its intervals hold what they should."""

import math

import numpy as np
import pytest
import sklearn.metrics
from scipy.stats import norm

from tfflows import evaluation

RNG = np.random.default_rng(0)
CASES = {
    "normal": (RNG.normal(size=217), RNG.normal(0.7, 2, size=340)),
    "ties": (RNG.integers(0, 5, 100), RNG.integers(1, 7, 60)),
    "all tied": (np.zeros(20), np.zeros(30)),
    "apart": (np.arange(20.0), 100 + np.arange(40.0)),
    "wrong way": (100 + np.arange(20.0), np.arange(40.0)),
    "two": (np.array([0.0, 1.0]), np.array([0.5, 2.0])),
    "large": (1e9 + RNG.normal(size=50), 1e9 + RNG.normal(size=60)),
}


def sklearn_values(inside, outside):
    labels, scores = np.r_[np.zeros(len(inside)), np.ones(len(outside))], np.r_[inside, outside]
    false, true, _ = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    return (
        sklearn.metrics.roc_auc_score(labels, scores),
        sklearn.metrics.average_precision_score(labels, scores),
        false[np.argmax(true >= 0.95)],
    ), (false, true)


@pytest.mark.parametrize("name", CASES)
def test_values_and_curves_are_scikit_learns(name):
    found = evaluation.detection(*CASES[name], num_resamples=100)
    expected, curve = sklearn_values(*CASES[name])
    np.testing.assert_allclose([found.auroc.value, found.aupr.value, found.fpr95.value], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(evaluation.roc_curve(*CASES[name]), curve, rtol=0, atol=1e-12)


def test_resamples_are_measured_as_scikit_learn_measures_weighted_examples():
    """The intervals are quantiles of scikit-learn's figures over the same draws."""
    inside, outside = (each[:40] for each in CASES["ties"])
    found = evaluation.detection(inside, outside, num_resamples=100, level=0.8, seed=3)
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(3).spawn(2)]
    rows = [rng.integers(40, size=(100, 40)) for rng in streams]
    drawn = np.array([sklearn_values(inside[a], outside[b])[0] for a, b in zip(*rows)])
    for column, each in zip(drawn.T, (found.auroc, found.aupr, found.fpr95)):
        np.testing.assert_allclose([each.low, each.high], np.quantile(column, [0.1, 0.9]), rtol=0, atol=1e-12)


def test_intervals_hold_the_true_value_as_often_as_they_say():
    held, rng = 0, np.random.default_rng(1)
    for seed in range(200):
        found = evaluation.detection(rng.normal(size=80), rng.normal(1, size=80), num_resamples=200, seed=seed)
        held += found.auroc.low <= norm.cdf(1 / math.sqrt(2)) <= found.auroc.high
    assert 0.89 <= held / 200 <= 0.99  # 0.95 within four standard errors


def test_infinite_scores_have_ranks():
    found = evaluation.detection([0.0, 1.0, -np.inf], [2.0, np.inf], num_resamples=100)
    assert (found.auroc.value, found.fpr95.value) == (1.0, 0.0)
    assert str(found).startswith("AUROC 1.0000 [1.0000, 1.0000], AUPR 1.0000")


def test_an_interval_of_a_mean_is_near_that_of_the_normal_law():
    x = np.random.default_rng(0).exponential(size=2000)
    found = evaluation.Estimate(x.mean(), x.std() / math.sqrt(2000), 2000, x).interval(num_resamples=4000)
    width = 2 * 1.96 * x.std() / math.sqrt(2000)
    assert abs(found.high - found.low - width) < 0.06 * width and found.low < found.value == x.mean() < found.high
    assert found == evaluation.Estimate(0, 0, 0, x).interval(num_resamples=4000)


NAN = np.array([0.0, np.nan, 1.0, np.nan])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: evaluation.detection([], [1.0, 2.0]), r"`inside` must hold .* both classes.*Received: shape \(0,\)"),
        (lambda: evaluation.detection([1.0, 2.0], [1.0]), r"`outside` must .* at least 2.*Received: shape \(1,\)"),
        (lambda: evaluation.roc_curve([1.0], []), r"`outside` must .* at least 1"),
        (lambda: evaluation.detection([1.0, 2.0], NAN), "Scores of `outside` .* 2 of 4 that are NaN, .* example 1"),
        (lambda: evaluation.detection(NAN[:, None], NAN), r"`inside` must .*Received: shape \(4, 1\)"),
        (lambda: evaluation.detection(NAN[::2], NAN[::2], level=1.0), "`level` must be between 0 and 1. Received: 1.0"),
        (lambda: evaluation.detection(NAN[::2], NAN[::2], num_resamples=9), "`num_resamples` must be .* at least 100"),
        (lambda: evaluation.Estimate(1.0, math.nan, 1, NAN[:1]).interval(), "at least 2 examples"),
        (lambda: evaluation.Estimate(1.0, 0.1, 9).interval(), "an estimate without `values`"),
    ],
)
def test_what_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
