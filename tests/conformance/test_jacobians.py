"""Log-dets against the Jacobian that automatic differentiation gives in float64."""

import numpy as np
import pytest
import tensorflow as tf
from cases import every_case

DOUBLE = "float64"


def _autodiff_log_det(function, x):
    """`log|det|` of the Jacobian of each example of a batch: one reverse pass for each entry of the event."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = tf.unstack(tf.reshape(function(x), [len(x), -1]), axis=1)
    rows = [tape.gradient(y, x, unconnected_gradients="zero").numpy().reshape(len(x), -1) for y in outputs]
    return np.linalg.slogdet(np.stack(rows, axis=1))[1]


@every_case
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_det_is_autodiffs(case, direction):
    bijector = case.shared(DOUBLE)
    kwargs = case.kwargs(bijector, (3,), DOUBLE)
    x = case.inputs((3,), DOUBLE, interval="domain" if direction == "forward" else "image")
    if (case.domain if direction == "forward" else case.image) is None:
        x *= tf.reshape(tf.constant([1e-3, 1.0, 30.0], DOUBLE), [3] + [1] * case.ndims)
    log_det = getattr(bijector, f"{direction}_log_det_jacobian")(tf.identity(x), case.ndims, **kwargs)
    expected = _autodiff_log_det(lambda x: getattr(bijector, direction)(x, **kwargs), x)
    np.testing.assert_allclose(log_det, expected, rtol=1e-9, atol=1e-9)


@every_case
def test_forward_log_det_is_minus_the_inverse_one(case):
    bijector, other = case.shared(DOUBLE), case.fresh(DOUBLE)
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
    expected = case.base(DOUBLE).log_prob(x) + _autodiff_log_det(
        lambda y: bijector.inverse(y, **kwargs), tf.identity(y)
    )
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9)
