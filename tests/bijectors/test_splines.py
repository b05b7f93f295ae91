"""Spline couplings and autoregressive splines: their formulas, their edges, what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import AutoregressiveSpline, SplineCoupling
from tfflows.networks import MADE, MLP
from tfflows.ops import masks
from tfflows.ops.elementwise import RationalQuadraticSpline

BINS = 4


def coupling(scale=1.0, size=4, circular=False, dtype="float32", **options):
    units = (3 * BINS - (not circular)) * (size // 2)
    net = MLP(units, hidden_units=(16,), zero_init=False, seed=1, dtype=dtype)
    flow = SplineCoupling(masks.half(size), net, bins=BINS, circular=circular, **options)
    for weight in net.weights:
        weight.assign(scale * weight)
    return flow


def autoregressive(scale=1.0, size=4, dtype="float32", **options):
    net = MADE(size, num_outputs=3 * BINS - 1, hidden_units=(16,), zero_init=False, seed=1, dtype=dtype)
    flow = AutoregressiveSpline(net, bins=BINS, **options)
    for weight in net.weights:
        weight.assign(scale * weight)
    return flow


def draws(shape=(6, 4), dtype="float32", seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), dtype)


def test_coupling_is_the_spline_of_what_is_not_copied():
    flow, y = coupling(dtype="float64", box=2.0), draws(dtype="float64")
    raw = tf.split(flow.conditioner(y[:, :2]), 3 * BINS - 1, axis=-1)
    expected, log_slope = RationalQuadraticSpline(BINS, 2.0).forward(y[:, 2:], *raw)
    np.testing.assert_allclose(flow.inverse(y), tf.concat([y[:, :2], expected], 1), rtol=1e-12)
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(y, 1), tf.reduce_sum(log_slope, 1), rtol=1e-11)


@pytest.mark.parametrize("parallel", ["inverse", "forward"])
def test_autoregressive_spline_entry_by_entry(parallel):
    flow, given = autoregressive(dtype="float64", parallel=parallel), draws(dtype="float64")
    expected, log_det = [], 0.0
    for i in range(4):
        seen = np.where(np.arange(4) < i, given, 7.0)  # what comes later must not matter
        raw = [each[:, i] for each in tf.split(flow.conditioner(seen), 3 * BINS - 1, axis=-1)]
        entry, log_slope = RationalQuadraticSpline(BINS).forward(given[:, i], *raw)
        expected, log_det = [*expected, entry], log_det + log_slope
    found = flow.inverse_and_log_det(given) if parallel == "inverse" else flow.forward_and_log_det(given)
    np.testing.assert_allclose(found[0], tf.stack(expected, 1), rtol=1e-12)
    np.testing.assert_allclose(found[1], log_det, rtol=1e-11)


@pytest.mark.parametrize("make", [coupling, autoregressive])
def test_a_conditioner_of_zeros_gives_the_identity(make):
    x = 4.0 * draws()
    for found in (make(0.0).forward(x), make(0.0).inverse(x)):
        np.testing.assert_allclose(found, x, atol=2e-6)


@pytest.mark.parametrize("make", [coupling, autoregressive])
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_gradients_far_outside_the_box(make, scale, dtype):
    flow = make(scale, dtype=dtype)
    x = tf.concat([1e6 * draws(dtype=dtype), 5.0 * tf.sign(draws(dtype=dtype)), tf.zeros([1, 4], dtype)], 0)
    for function in (flow.forward_and_log_det, flow.inverse_and_log_det):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, log_det = function(x)
            value = tf.reduce_sum(y) + tf.reduce_sum(log_det)
        assert np.isfinite(y).all() and np.isfinite(log_det).all()
        gradients = tape.gradient(value, [x, *flow.trainable_variables], unconnected_gradients="zero")
        assert all(np.isfinite(each).all() for each in gradients)


def test_circular_coupling_of_a_periodic_conditioner_is_a_density_on_the_circle():
    flow, turn = coupling(circular=True, dtype="float64", box=np.pi), 2 * np.pi
    y = draws(dtype="float64")
    moved = y + turn * tf.constant([0.0, 0.0, 1.0, -2.0], tf.float64)
    np.testing.assert_allclose(flow.inverse(moved) - flow.inverse(y), moved - y, atol=1e-12)
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(moved, 1), flow.inverse_log_det_jacobian(y, 1), atol=1e-11)


def test_what_does_not_fit_is_refused():
    for bijector, net in ((SplineCoupling, MLP(10)), (AutoregressiveSpline, MADE(4, num_outputs=5))):
        first = () if bijector is AutoregressiveSpline else (masks.half(4),)
        with pytest.raises(ValueError, match="`bins` must be an integer of at least 2. Received: 1"):
            bijector(*first, net, bins=1)
        with pytest.raises(ValueError, match="`box` must be a positive finite number. Received: -1"):
            bijector(*first, net, bins=2, box=-1)
    with pytest.raises(ValueError, match="must return 22 values on its last axis .11 for each of 2 entries"):
        SplineCoupling(masks.half(4), MLP(10), bins=4).forward(draws())
    with pytest.raises(ValueError, match=r"`parallel` must be one of ..inverse., .forward... Received: \'both\'"):
        AutoregressiveSpline(MADE(4, num_outputs=5), bins=2, parallel="both")
    with pytest.raises(TypeError, match="needs a masked conditioner"):
        AutoregressiveSpline(MLP(8))
    with pytest.raises(ValueError, match="at least 2 entries to split. Received: size=1"):
        masks.half(1)
