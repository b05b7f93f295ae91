"""Bounds of the log-scale."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.ops import numerics

RANGES = {"tanh": (-3, 3), "arctan": (-3, 3), "softsign": (-3, 3), "sigmoid": (-8.0004, 0)}
HUGE = [-1e30, -1e6, -50.0, 50.0, 1e6, 1e30]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RANGES)
def test_range(name, dtype):
    bound, (low, high) = numerics.log_scale_bound(name), RANGES[name]
    values = bound(tf.constant([*HUGE, *np.linspace(-20, 20, 401)], dtype))
    assert values.dtype == dtype
    assert np.isfinite(values).all() and low - 1e-6 <= np.min(values) and np.max(values) <= high + 1e-6


@pytest.mark.parametrize("name", RANGES)
def test_ends_of_the_range_are_reached(name):
    low, high = numerics.log_scale_bound(name)(tf.constant([-1e7, 1e7], tf.float64)).numpy()
    assert (low, high) == (pytest.approx(RANGES[name][0], abs=2e-3), pytest.approx(RANGES[name][1], abs=2e-3))


@pytest.mark.parametrize("name", ["tanh", "arctan", "softsign", "none"])
def test_value_0_and_slope_1_at_0(name):
    zero = tf.constant(0.0, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(zero)
        value = numerics.log_scale_bound(name)(zero)
    assert float(value) == 0.0
    assert float(tape.gradient(value, zero)) == pytest.approx(1.0, rel=1e-12)


def test_sigmoid_starts_at_a_scale_near_one():
    assert float(numerics.log_scale_bound("sigmoid")(tf.constant(0.0))) == pytest.approx(np.log(1 / (1 + np.exp(-2))))


@pytest.mark.parametrize("name", [*RANGES, "none"])
def test_monotone_with_finite_gradients(name):
    raw = tf.constant(np.linspace(-9, 9, 181))
    with tf.GradientTape() as tape:
        tape.watch(raw)
        values = numerics.log_scale_bound(name)(raw)
    slopes = tape.gradient(values, raw).numpy()
    assert (np.diff(values) > 0).all() and (slopes > 0).all() and (slopes <= 1 + 1e-12).all()


def test_gradients_stay_finite_far_out():
    for name in [*RANGES, "none"]:
        raw = tf.constant(HUGE, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = numerics.log_scale_bound(name)(raw)
        assert np.isfinite(tape.gradient(values, raw)).all(), name


def test_a_number_is_the_limit_of_tanh():
    raw = np.linspace(-9, 9, 31)
    np.testing.assert_allclose(numerics.log_scale_bound(0.5)(tf.constant(raw)), 0.5 * np.tanh(raw / 0.5), rtol=1e-12)
    np.testing.assert_allclose(numerics.log_scale_bound(3)(tf.constant(raw)), numerics.log_scale_bound("tanh")(raw))
    for limit in (0, -1.0, True, float("nan")):
        with pytest.raises(ValueError, match="must be a positive finite number. Received: "):
            numerics.log_scale_bound(limit)


@pytest.mark.parametrize("name", ["tanhh", "", None])
def test_unknown_names_are_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"one of \['arctan', 'none', 'sigmoid', 'softsign', 'tanh'\]. Received: "):
        numerics.log_scale_bound(name)
