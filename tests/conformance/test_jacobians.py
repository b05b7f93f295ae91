"""Log-dets against the Jacobian that automatic differentiation gives in float64."""

import numpy as np
import pytest
import tensorflow as tf
from cases import every_case

DOUBLE = "float64"


def _autodiff_log_det(function, x, kwargs):
    """`log|det|` of the Jacobian of each example of a batch: a copy of the example for each entry of the event."""
    size = int(np.prod(x.shape[1:]))
    x, kwargs = tf.nest.map_structure(lambda each: tf.repeat(each, size, axis=0), (x, kwargs))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **kwargs)
    entries = tf.tile(tf.eye(size, dtype=y.dtype), [len(x) // size, 1])
    rows = tape.gradient(y, x, tf.reshape(entries, y.shape), unconnected_gradients="zero")
    return np.linalg.slogdet(rows.numpy().reshape(-1, size, size))[1]


@every_case
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_det_is_autodiffs(case, direction):
    bijector = case.shared(DOUBLE)
    kwargs = case.kwargs(bijector, (3,), DOUBLE)
    x = case.inputs((3,), DOUBLE, interval="domain" if direction == "forward" else "image")
    if (case.domain if direction == "forward" else case.image) is None:
        x *= tf.reshape(tf.constant([1e-3, 1.0, 30.0], DOUBLE), [3] + [1] * case.ndims)
    log_det = getattr(bijector, f"{direction}_log_det_jacobian")(tf.identity(x), case.ndims, **kwargs)
    expected = _autodiff_log_det(getattr(bijector, direction), x, kwargs)
    np.testing.assert_allclose(log_det, expected, rtol=1e-9, atol=1e-9)


@every_case
def test_forward_log_det_is_minus_the_inverse_one(case):
    bijector, other = case.shared(DOUBLE), case.twin(DOUBLE)
    x = case.inputs((6,), DOUBLE)
    y = tf.identity(bijector.forward(x, **case.kwargs(bijector, (6,), DOUBLE)))
    there = bijector.forward_log_det_jacobian(tf.identity(x), case.ndims, **case.kwargs(bijector, (6,), DOUBLE))
    back = other.inverse_log_det_jacobian(y, case.ndims, **case.kwargs(other, (6,), DOUBLE))
    np.testing.assert_allclose(there, -back, rtol=1e-11, atol=1e-11)


@every_case
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_det_over_more_event_axes_is_the_sum(case, direction):
    bijector = case.shared(DOUBLE)
    kwargs = case.kwargs(bijector, (2, 3), DOUBLE)
    x = case.inputs((2, 3), DOUBLE, interval="domain" if direction == "forward" else "image")
    log_det = getattr(bijector, f"{direction}_log_det_jacobian")
    each = log_det(tf.identity(x), case.ndims, **kwargs)
    assert each.shape == (2, 3)
    np.testing.assert_allclose(log_det(tf.identity(x), case.ndims + 1, **kwargs), tf.reduce_sum(each, -1), 1e-12)
    np.testing.assert_allclose(log_det(tf.identity(x), case.ndims + 2, **kwargs), tf.reduce_sum(each), 1e-12)


@every_case
def test_log_prob_is_the_base_plus_the_log_det(case):
    bijector = case.shared(DOUBLE)
    kwargs = case.kwargs(bijector, (6,), DOUBLE)
    y = bijector.forward(case.base(DOUBLE).sample(6, seed=(0, 1)), **kwargs)
    log_prob = case.distribution(bijector, DOUBLE).log_prob(tf.identity(y), bijector_kwargs=kwargs)
    x = bijector.inverse(tf.identity(y), **kwargs)
    expected = case.base(DOUBLE).log_prob(x) + _autodiff_log_det(bijector.inverse, y, kwargs)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9)
