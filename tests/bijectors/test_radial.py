"""Radial flows: the formula, and no parameters that break them."""

import numpy as np
import pytest
import tensorflow as tf
from adversarial import assert_never_breaks

from tfflows.bijectors import Radial


def radial(centre, raw_alpha, raw_beta):
    flow = Radial(len(centre), dtype="float64")
    for name, value in {"centre": centre, "raw_alpha": raw_alpha, "raw_beta": raw_beta}.items():
        getattr(flow, name).assign(value)
    return flow


@pytest.mark.parametrize(("raw_alpha", "raw_beta"), [(0.3, 1.0), (-1.0, -2.0)])
def test_is_the_papers_formula(raw_alpha, raw_beta):
    centre, x = np.array([0.3, -1.0, 0.5]), np.random.default_rng(0).normal(size=(6, 3))
    alpha = np.exp(10 * np.tanh(raw_alpha / 10))
    beta = alpha * (np.exp(3 * np.tanh(raw_beta / 3)) - 1)
    assert beta > -alpha
    r = np.linalg.norm(x - centre, axis=1)
    h, slope = 1 / (alpha + r), -1 / (alpha + r) ** 2
    flow = radial(centre, raw_alpha, raw_beta)
    np.testing.assert_allclose(flow.forward(x), x + (beta * h)[:, None] * (x - centre), rtol=1e-12)
    log_det = 2 * np.log(1 + beta * h) + np.log(1 + beta * h + beta * slope * r)
    np.testing.assert_allclose(flow.forward_log_det_jacobian(x, 1), log_det, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 4])
def test_no_parameters_break_it(dtype, size):
    assert_never_breaks(lambda net: Radial(size, conditioner=net, dtype=dtype), size + 2, size, dtype)


def test_at_the_centre():
    flow, x = radial([0.5, -0.5], 0.2, 1.5), tf.constant([[0.5, -0.5]], "float64")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = flow.forward(x)
        log_det = flow.forward_log_det_jacobian(x, 1)
    np.testing.assert_allclose(y, x)
    np.testing.assert_allclose(log_det, 2 * 3 * np.tanh(0.5), rtol=1e-12)
    np.testing.assert_allclose(tape.gradient(log_det, x), [[0.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(flow.inverse(tf.identity(y)), x)


def test_starts_as_the_identity_around_a_point_of_the_seed():
    flow, x = Radial(3, seed=1), tf.ones([4, 3])
    np.testing.assert_array_equal(flow.forward(x), x)
    np.testing.assert_array_equal(flow.centre, Radial(3, seed=1).centre)
    np.testing.assert_array_equal(flow.fresh_weights(2)[0][1], Radial(3, seed=2).centre)


@pytest.mark.parametrize("size", [0, -1, 1.5, None])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="`event_size` must be an integer of at least 1. Received: "):
        Radial(size)
