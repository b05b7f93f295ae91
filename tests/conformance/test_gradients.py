"""The gradient of a log-probability reaches every weight, is the right one, and no cache loses it."""

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, every_case, one_of_each_kind, weighted_case
from trees import named_weights

DOUBLE = "float64"
# TFP's own Chain caches without regard to tapes. What a tape sees is no matter of a formula.
taped_case = one_of_each_kind([case for case in CASES if case.weights and not case.native])


def _log_prob(case, bijector, y, kwargs):
    return tf.reduce_mean(case.distribution(bijector, DOUBLE).log_prob(y, bijector_kwargs=kwargs))


def _data(case, bijector, batch=(8,)):
    """Events that the flow itself may give, and its context."""
    kwargs = case.kwargs(bijector, batch, DOUBLE)
    return tf.identity(bijector.forward(case.base(DOUBLE).sample(batch, seed=(0, 2)), **kwargs)), kwargs


@weighted_case
def test_reaches_every_weight_by_name(case):
    bijector = case.shared(DOUBLE)
    y, kwargs = _data(case, bijector)
    weights = named_weights(bijector)
    with tf.GradientTape() as tape:
        log_prob = _log_prob(case, bijector, y, kwargs)
    gradients = dict(zip(weights, tape.gradient(log_prob, list(weights.values()))))
    lost = [name for name, gradient in gradients.items() if gradient is None or not np.abs(gradient).max() > 0]
    assert lost == []
    assert [name for name, gradient in gradients.items() if not np.isfinite(gradient).all()] == []


@weighted_case
def test_agrees_with_a_finite_difference_in_the_weights(case, double):
    y, kwargs = _data(case, double)
    weights, rng = list(named_weights(double).values()), np.random.default_rng(4)
    direction = [tf.constant(rng.normal(size=weight.shape), weight.dtype) for weight in weights]
    with tf.GradientTape() as tape:
        log_prob = _log_prob(case, double, tf.identity(y), kwargs)
    gradients = tape.gradient(log_prob, weights)
    slope = sum(float(tf.reduce_sum(g * d)) for g, d in zip(gradients, direction))
    values = [tf.identity(weight) for weight in weights]

    def at(amount):
        for weight, value, d in zip(weights, values, direction):
            weight.assign(value + amount * d)
        return float(_log_prob(case, double, tf.identity(y), kwargs))

    slopes = [(at(step) - at(-step)) / (2 * step) for step in (1e-5, 1e-6)]  # a kink may lie between the longer's ends
    assert slope == pytest.approx(min(slopes, key=lambda other: abs(other - slope)), rel=1e-6, abs=1e-8)


@every_case
def test_agrees_with_a_finite_difference_in_the_event(case):
    bijector = case.shared(DOUBLE)
    y, kwargs = _data(case, bijector)
    direction = tf.constant(np.random.default_rng(4).normal(size=y.shape), DOUBLE)
    with tf.GradientTape() as tape:
        tape.watch(y)
        log_prob = _log_prob(case, bijector, y, kwargs)
    slope = float(tf.reduce_sum(tape.gradient(log_prob, y, unconnected_gradients="zero") * direction))
    step = 1e-6 * max(1.0, float(tf.reduce_max(tf.abs(y))))
    up, down = (float(_log_prob(case, bijector, y + sign * step * direction, kwargs)) for sign in (1, -1))
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-8)


def _wanted(case, bijector, y, kwargs):
    """The gradient from tensors that no cache has seen."""
    weights = list(named_weights(bijector).values())
    with tf.GradientTape() as tape:
        log_prob = _log_prob(case, bijector, tf.identity(y), kwargs)
    return weights, tape.gradient(log_prob, weights)


def _assert_same(gradients, expected):
    for gradient, value in zip(gradients, expected, strict=True):
        assert gradient is not None
        np.testing.assert_allclose(gradient, value, rtol=1e-9, atol=1e-12)


@taped_case
def test_sampled_before_the_tape(case):
    bijector = case.shared(DOUBLE)
    y, kwargs = _data(case, bijector)
    y = bijector.forward(case.base(DOUBLE).sample(8, seed=(0, 3)), **kwargs)
    weights, expected = _wanted(case, bijector, y, kwargs)
    with tf.GradientTape() as tape:
        log_prob = _log_prob(case, bijector, y, kwargs)
    _assert_same(tape.gradient(log_prob, weights), expected)


@taped_case
def test_sampled_while_the_tape_was_stopped(case):
    bijector = case.shared(DOUBLE)
    _, kwargs = _data(case, bijector)
    with tf.GradientTape() as tape:
        with tape.stop_recording():
            y = bijector.forward(case.base(DOUBLE).sample(8, seed=(0, 3)), **kwargs)
        log_prob = _log_prob(case, bijector, y, kwargs)
    weights, expected = _wanted(case, bijector, y, kwargs)
    _assert_same(tape.gradient(log_prob, weights), expected)


@taped_case
@pytest.mark.parametrize("persistent", [False, pytest.param(True, marks=pytest.mark.slow)])  # joint/test_tapes.py
def test_nested_tapes(case, persistent):
    bijector = case.shared(DOUBLE)
    _, kwargs = _data(case, bijector)
    z = case.base(DOUBLE).sample(8, seed=(0, 3))
    with tf.GradientTape(persistent=persistent) as outer:
        y = bijector.forward(z, **kwargs)
        with tf.GradientTape(persistent=persistent) as inner:
            log_prob = _log_prob(case, bijector, y, kwargs)
    weights, expected = _wanted(case, bijector, y, kwargs)
    _assert_same(inner.gradient(log_prob, weights), expected)
    with tf.GradientTape() as tape:
        y = tf.identity(bijector.forward(tf.identity(z), **kwargs))
        fresh = _log_prob(case, bijector, y, kwargs)
    _assert_same(_or_zeros(outer, log_prob, weights), _or_zeros(tape, fresh, weights))


@one_of_each_kind([case for case in CASES if case.weights])
def test_reparametrised_sample_in_the_tape(case):
    bijector = case.shared(DOUBLE)
    _, kwargs = _data(case, bijector)
    z, weights = case.base(DOUBLE).sample(8, seed=(0, 3)), list(named_weights(bijector).values())
    with tf.GradientTape() as tape:
        y = bijector.forward(z, **kwargs)
        value = _log_prob(case, bijector, y, kwargs) + tf.reduce_mean(y**2)
    with tf.GradientTape() as other:
        y = bijector.forward(tf.identity(z), **kwargs)
        expected = _log_prob(case, bijector, tf.identity(y), kwargs) + tf.reduce_mean(y**2)
    assert float(value) == pytest.approx(float(expected), rel=1e-10)
    _assert_same(_or_zeros(tape, value, weights), _or_zeros(other, expected, weights))


@one_of_each_kind([case for case in CASES if not case.native])
def test_event_watched_only_by_a_later_tape(case):
    bijector = case.shared(DOUBLE)
    kwargs = case.kwargs(bijector, (8,), DOUBLE)
    y = bijector.forward(case.base(DOUBLE).sample(8, seed=(0, 3)), **kwargs)
    with tf.GradientTape() as tape:
        tape.watch(y)
        log_prob = _log_prob(case, bijector, y, kwargs)
    copy = tf.identity(y)
    with tf.GradientTape() as other:
        other.watch(copy)
        expected = _log_prob(case, bijector, copy, kwargs)
    _assert_same([_or_zeros(tape, log_prob, y)], [_or_zeros(other, expected, copy)])


def _or_zeros(tape, value, sources):
    return tape.gradient(value, sources, unconnected_gradients="zero")
