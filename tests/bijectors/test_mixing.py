"""LU-linear and Householder mixing."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import Householder, LULinear


def draws(shape, dtype="float64", seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), dtype)


def test_lu_linear_is_its_matrix():
    flow, y = LULinear(4, dtype="float64"), draws((5, 4))
    factors, shift = draws((4, 4), seed=1).numpy(), draws((4,), seed=2).numpy()
    flow.factors.assign(factors)
    flow.shift.assign(shift)
    lower, upper = np.tril(factors, -1) + np.eye(4), np.triu(factors, 1) + np.diag(np.exp(np.diag(factors)))
    np.testing.assert_allclose(flow.inverse(y), y @ (lower @ upper).T + shift, rtol=1e-11)
    np.testing.assert_allclose(
        flow.inverse_log_det_jacobian(y, 1), np.full(5, np.linalg.slogdet(lower @ upper)[1]), rtol=1e-11
    )
    np.testing.assert_allclose(flow.forward(tf.identity(flow.inverse(y))), y, atol=1e-11)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_householder_is_the_product_of_its_reflections(count):
    flow, x = Householder(5, num_reflections=count, dtype="float64", seed=0), draws((3, 5))
    vectors = draws((5, count), seed=1).numpy()
    flow.vectors.assign(vectors)
    q = np.eye(5)
    for v in vectors.T:
        q = q @ (np.eye(5) - 2 * np.outer(v, v) / (v @ v))
    np.testing.assert_allclose(flow.forward(x), x @ q.T, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(flow.inverse(x), x @ q, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(flow.forward_log_det_jacobian(x, 1), np.zeros(3))


@pytest.mark.parametrize("make", [lambda: LULinear(4), lambda: Householder(4, num_reflections=4, seed=3)])
def test_starts_as_the_identity_and_moves(make):
    flow, x = make(), draws((6, 4), "float32")
    np.testing.assert_allclose(flow.forward(x), x, atol=1e-6)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(flow.inverse(tf.identity(x)) ** 3)
    assert all(np.abs(each).max() > 0.01 for each in tape.gradient(value, flow.trainable_variables))


def test_an_odd_number_of_reflections_starts_as_one():
    matrix = Householder(4, num_reflections=3, seed=0).forward(tf.eye(4))
    assert np.linalg.det(matrix) == pytest.approx(-1.0, abs=1e-5)


def test_seeds_and_fresh_weights():
    first, again, other = (Householder(4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert np.abs(first.vectors - other.vectors).max() > 0.01
    (weight, value), = first.fresh_weights(2)  # fmt: skip
    assert weight is first.vectors
    np.testing.assert_array_equal(value, other.vectors)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`event_size` must be an integer of at least 1. Received: 0"):
        LULinear(0)
    with pytest.raises(ValueError, match="`num_reflections` must be an integer of at least 1. Received: 1.5"):
        Householder(3, num_reflections=1.5)
    with pytest.raises(ValueError, match="`num_reflections` must be at most the event's size, 3. Received: 4"):
        Householder(3, num_reflections=4)
    with pytest.raises(ValueError, match=r"expects events of shape \(3,\). Received: shape \(2, 4\)"):
        LULinear(3).forward(tf.ones([2, 4]))
