"""The detector of odd rows: scikit-learn's conventions, and what its scores and thresholds mean."""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.integrate import trapezoid
from sklearn.base import clone
from sklearn.neighbors import KernelDensity
from sklearn.utils.estimator_checks import check_estimator

from tfflows.evaluation import AnomalyDetector, KernelMixture

KERNELS = {"experts": ("kernels",), "random_state": 0}
SMALL = {"num_layers": 2, "hidden_units": (8,), "epochs": 3, "random_state": 0}
NEW_ROWS = "a row of training that comes again is normal: `predict` takes all rows for new ones, `fit_predict` does not"
EXPECTED = {"check_outliers_train": NEW_ROWS, "check_outliers_fit_predict": NEW_ROWS}


def normal_rows(n, seed):
    """Two columns that follow each other, and one by itself, in units of their own."""
    a, b, c = np.random.default_rng(seed).normal(size=(3, n))
    return np.stack([100 + 5 * a, 3 * a + 0.3 * b, 1e-3 * c], axis=1)


@pytest.fixture(scope="module")
def fitted():
    rows = pd.DataFrame(normal_rows(800, seed=0), columns=["one", "two", "three"])
    return AnomalyDetector(**SMALL).fit(rows)


@pytest.mark.filterwarnings("ignore:Skipping check")
def test_scikit_learn_s_checks_of_kernels():
    check_estimator(AnomalyDetector(**KERNELS), expected_failed_checks=EXPECTED)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping check")
def test_scikit_learn_s_checks_with_a_flow():
    small = AnomalyDetector(num_layers=1, hidden_units=(4,), epochs=1)
    check_estimator(small, expected_failed_checks=EXPECTED)


def test_score_is_the_standardised_log_density():
    rows, new = normal_rows(300, seed=0), normal_rows(5, seed=1)
    detector = AnomalyDetector(**KERNELS).fit(rows)
    z, z_new = ((x - rows.mean(axis=0)) / rows.std(axis=0) for x in (rows, new))
    widths, weights = detector.kernels_.widths, detector.kernels_.weights
    densities = [np.exp(KernelDensity(bandwidth=h).fit(z).score_samples(z_new)) for h in widths]
    unseen = KernelMixture(z).left_out
    expected = (np.log(weights @ densities) - unseen.mean()) / unseen.std()
    np.testing.assert_allclose(detector.score_samples(new), expected, rtol=1e-6)
    np.testing.assert_allclose(detector.decision_function(new), expected - detector.offset_, rtol=1e-6)


def test_false_alarm_rate_holds_for_new_rows():
    detector = AnomalyDetector(**KERNELS, false_alarm_rate=0.1).fit(normal_rows(4000, seed=0))
    rate = (detector.predict(normal_rows(4000, seed=1)) == -1).mean()
    assert 0.07 < rate < 0.13


def test_contamination_is_the_share_of_rows_of_training():
    odd = [100, 0, 0] + np.random.default_rng(1).choice([-1, 1], (10, 3)) * np.arange(5, 15)[:, None] * [5, 3, 1e-3]
    rows = np.vstack([normal_rows(190, seed=0), odd])
    found = AnomalyDetector(**KERNELS, contamination=0.05).fit_predict(rows)
    assert (found == -1).sum() == 10 and (found[190:] == -1).sum() >= 9


def test_the_odder_of_two_experts_decides(fitted):
    new = pd.DataFrame(normal_rows(50, seed=1) + [0, 2, 0], columns=["one", "two", "three"])
    by_expert = fitted.scores_by_expert(new)
    detector = clone(fitted)
    vars(detector).update(vars(fitted), heard_=("kernels", "flow"))
    np.testing.assert_array_equal(detector.score_samples(new), np.minimum(by_expert["flow"], by_expert["kernels"]))
    z = ((new - fitted.location_) / fitted.scale_).to_numpy("float32")
    mean, deviation = fitted.standards_["flow"]
    np.testing.assert_allclose(by_expert["flow"], (np.asarray(fitted.flow_.log_prob(z)) - mean) / deviation, rtol=1e-6)
    assert list(fitted.feature_names_in_) == ["one", "two", "three"]


def test_a_flow_is_heard_where_unseen_rows_are_likelier_under_it():
    wide = np.random.default_rng(0).normal(size=(500, 8))  # too many columns for kernels
    assert AnomalyDetector(**SMALL).fit(wide).heard_ == ("kernels", "flow")
    copies = np.repeat(normal_rows(40, seed=0), 8, axis=0)
    assert AnomalyDetector(**SMALL).fit(copies).heard_ == ("kernels",)


@pytest.mark.parametrize("expert", ["flow", "kernels"])
def test_contributions_name_the_column_that_does_not_fit(fitted, expert):
    odd = pd.DataFrame([[100.0, 0.0, 6e-3], [100.0, 0.0, 0.0]], columns=["one", "two", "three"])
    detector = pickle.loads(pickle.dumps(fitted))
    detector.heard_ = (expert,)
    found = detector.contributions(odd)
    assert found.shape == (2, 3) and np.isfinite(found).all()
    assert found[0].argmax() == 2 and found[0, 2] > found[1].max() + 3


def test_the_flow_s_contributions_are_those_of_its_density(fitted):
    z = np.array([[0.3, 0.2, -1.0]], "float32")
    grid = np.linspace(-12, 12, 20_001, dtype="float32")
    moved = np.tile(z, (len(grid), 1))
    moved[:, 1] = grid
    expected = np.log(trapezoid(np.exp(np.asarray(fitted.flow_.log_prob(moved), "float64")), grid))
    expected -= float(fitted.flow_.log_prob(z)[0])
    detector = clone(fitted)
    vars(detector).update(vars(fitted), heard_=("flow",))
    x = pd.DataFrame(z * fitted.scale_ + fitted.location_, columns=fitted.feature_names_in_)
    np.testing.assert_allclose(detector.contributions(x)[0, 1], expected, atol=0.02)


def test_pickled_it_says_the_same(fitted):
    new = pd.DataFrame(normal_rows(20, seed=2), columns=["one", "two", "three"])
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.score_samples(new), fitted.score_samples(new))
    assert loaded.offset_ == fitted.offset_


def test_random_state_decides_and_the_process_s_generators_are_left_alone(fitted):
    def states():
        return random.getstate(), np.random.get_state()[1].tolist()

    tf.random.set_seed(1)
    before, rows = states(), pd.DataFrame(normal_rows(800, seed=0), columns=["one", "two", "three"])
    again = clone(fitted).fit(rows)
    assert states() == before
    np.testing.assert_array_equal(again.score_samples(rows[:20]), fitted.score_samples(rows[:20]))


def test_a_value_other_than_a_constant_is_odd():
    rows = np.hstack([normal_rows(400, seed=0), np.full((400, 1), 0.1)])
    detector = AnomalyDetector(**KERNELS).fit(rows)
    changed = rows[:1] + [0, 0, 0, 1e-9]
    assert detector.predict(rows[:1]) == 1 and detector.predict(changed) == -1
    assert detector.contributions(changed).argmax() == 3


@pytest.mark.parametrize("far", [1e30, 1e160, 1e200])
def test_what_has_no_finite_density_is_the_oddest(fitted, far):
    row = pd.DataFrame([[far, -far, far]], columns=["one", "two", "three"])
    for expert, score in fitted.scores_by_expert(row).items():
        assert np.isfinite(score).all() and score < -1e3, expert
    assert np.isfinite(fitted.score_samples(row)).all() and fitted.predict(row) == -1
    assert not np.isnan(fitted.contributions(row)).any()


@pytest.mark.parametrize(
    "argument, said",
    [
        ({"experts": "flow"}, "`experts` must be of 'flow' and 'kernels'. Received: 'flow'"),
        ({"experts": ()}, "`experts` must be of"),
        ({"experts": ("forest",)}, "Received: .'forest',."),
        ({"contamination": 0.6}, '`contamination` must be "auto", or at most 0.5. Received: 0.6'),
        ({"false_alarm_rate": 0}, "`false_alarm_rate` must be a positive finite number. Received: 0"),
        ({"false_alarm_rate": 1.0}, "`false_alarm_rate` must be below 1. Received: 1.0"),
        ({"noise": True}, "`noise` must be a positive finite number. Received: True"),
        ({"noise": -1}, "`noise` must be a positive finite number. Received: -1"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1. Received: 0"),
        ({"max_centres": 1}, "`max_centres` must be an integer of at least 2. Received: 1"),
    ],
)
def test_bad_arguments_are_refused(argument, said):
    with pytest.raises(ValueError, match=said):
        AnomalyDetector(**argument).fit(normal_rows(10, seed=0))
