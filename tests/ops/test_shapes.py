"""Axes of events and batches."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfflows.ops import shapes


def test_sum_event():
    x = tf.reshape(tf.range(24.0), [2, 3, 4])
    assert shapes.sum_event(x, 0) is x
    np.testing.assert_array_equal(shapes.sum_event(x, 1), tf.reduce_sum(x, -1))
    np.testing.assert_array_equal(shapes.sum_event(x, 3), tf.reduce_sum(x))


def test_batch_shape_is_static_where_known():
    assert shapes.batch_shape(tf.zeros([2, 3, 4]), 1) == tf.TensorShape([2, 3])
    assert shapes.batch_shape(tf.zeros([4]), 1) == tf.TensorShape([])
    assert shapes.batch_shape(tf.zeros([4]), 0) == tf.TensorShape([4])

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def dynamic(x):
        shape = shapes.batch_shape(x, 1)
        assert tf.is_tensor(shape)
        return shape

    assert dynamic(tf.zeros([7, 4])).numpy().tolist() == [7]


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("batch", [(), (1,), (6,), (2, 6)])
def test_broadcast_batch(batch, static):
    for rest in ((3,), ()):
        value = tf.reshape(tf.range(float(np.prod(batch + rest))), batch + rest)
        known = tf.TensorShape([2, 6] if static else [None, None])
        got = shapes.broadcast_batch(value, tf.constant([2, 6]), len(rest), static=known)
        np.testing.assert_array_equal(got, np.broadcast_to(value, (2, 6, *rest)))


def test_broadcast_batch_refuses_what_does_not_fit():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        shapes.broadcast_batch(tf.zeros([5, 3]), tf.constant([6]), 1, static=tf.TensorShape([6]))


@given(order=st.integers(1, 8).flatmap(lambda n: st.permutations(range(n))), batch=st.sampled_from([(), (3,), (2, 3)]))
@settings(max_examples=25, deadline=None)
def test_permutation_is_a_gather(order, batch):
    x = tf.constant(np.random.default_rng(0).normal(size=(*batch, len(order))))
    np.testing.assert_array_equal(shapes.permute_last_axis(x, order), tf.gather(x, order, axis=-1))


def _derivatives(permute, x, weights):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.reduce_sum(weights * permute(x) ** 3)
        first = inner.gradient(value, x)
    return value, first, outer.gradient(first, x)


@pytest.mark.parametrize("order", [[2, 0, 3, 1], [3, 2, 1, 0]], ids=str)
@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_value_gradient_and_second_derivative_are_a_gathers(graph, order):
    rng = np.random.default_rng(0)
    x, weights = tf.constant(rng.normal(size=(5, 4))), tf.constant(rng.normal(size=(5, 4)))
    wrap = tf.function if graph else (lambda f: f)
    got = wrap(lambda x: _derivatives(lambda x: shapes.permute_last_axis(x, order), x, weights))(x)
    expected = _derivatives(lambda x: tf.gather(x, order, axis=-1), x, weights)
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_the_gradient_is_no_scatter():
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def gradient(x):
        return tf.gradients(tf.reduce_sum(shapes.permute_last_axis(x, [2, 0, 3, 1]) ** 2), x)[0]

    kinds = {op.type for op in gradient.get_concrete_function().graph.get_operations()}
    assert not {kind for kind in kinds if "Scatter" in kind or "Segment" in kind}


def test_forward_mode():
    x, tangent = tf.constant([1.0, 2.0, 3.0]), tf.constant([10.0, 20.0, 30.0])
    with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
        y = shapes.permute_last_axis(x, [2, 0, 1])
    assert accumulator.jvp(y).numpy().tolist() == [30.0, 10.0, 20.0]


def test_the_identity_costs_nothing():
    x = tf.ones([2, 3])
    assert shapes.permute_last_axis(x, [0, 1, 2]) is x
