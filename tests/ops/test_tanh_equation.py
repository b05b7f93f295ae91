"""The root of `t + slope tanh(t) = c`."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from tfflows.ops import tanh_equation

SLOPES = [-0.99, -0.9, -0.3, -1e-6, 0.0, 1e-6, 0.5, 3.0, 900.0]
TARGETS = [0.0, 1e-12, -1e-3, 0.1, -0.7, 2.5, -30.0, 450.0, -901.0, 1e6]


def grid(dtype):
    slope, c = np.meshgrid(SLOPES, TARGETS)
    return tf.constant(slope.ravel(), dtype), tf.constant(c.ravel(), dtype)


def test_agrees_with_scipy():
    slope, c = grid("float64")
    t = tanh_equation.solve(slope, c).numpy()
    for m, target, found in zip(slope.numpy(), c.numpy(), t):
        size = abs(target)
        bracket = (size - abs(m) - 1, size + abs(m) + 1)
        root = scipy.optimize.brentq(lambda t, m=m, s=size: t + m * np.tanh(t) - s, *bracket, xtol=1e-15, rtol=1e-15)
        assert found == pytest.approx(np.sign(target) * root, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_solves_the_equation(dtype, jit_compile):
    slope, c = grid(dtype)
    t = tf.function(tanh_equation.solve, jit_compile=jit_compile)(slope, c)
    assert t.dtype == dtype
    # The equation amplifies the rounding of t by its slope, and knows c to its own rounding.
    derivative = 1 + np.abs(slope) * (1 - np.tanh(t) ** 2)
    allowed = 4 * np.finfo(dtype).eps * (np.abs(c) + np.abs(slope * tf.tanh(t)) + np.abs(t) * derivative)
    np.testing.assert_array_less(np.abs(t + slope * tf.tanh(t) - c), allowed + np.finfo(dtype).tiny)


def test_derivatives_to_the_second():
    slope, c = tf.constant([-0.9, 0.4, 5.0], "float64"), tf.constant([0.3, -1.0, 4.0], "float64")

    def first(slope, c):
        with tf.GradientTape() as tape:
            tape.watch([slope, c])
            t = tanh_equation.solve(slope, c)
        return t, tape.gradient(t, [slope, c])

    t, (by_slope, by_c) = first(slope, c)
    derivative = 1 + slope * (1 - tf.tanh(t) ** 2)
    np.testing.assert_allclose(by_c, 1 / derivative, rtol=1e-12)
    np.testing.assert_allclose(by_slope, -tf.tanh(t) / derivative, rtol=1e-12)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([slope, c])
        gradients = first(slope, c)[1]
    step = 1e-6
    for gradient, i in ((gradients[0], 0), (gradients[1], 1)):
        by = tape.gradient(gradient, c)
        up, down = first(slope, c + step)[1][i], first(slope, c - step)[1][i]
        np.testing.assert_allclose(by, (up - down) / (2 * step), rtol=1e-6, atol=1e-8)


def test_shapes_broadcast():
    t = tanh_equation.solve(tf.constant([0.5, -0.5]), tf.ones([4, 3, 1]))
    assert t.shape == (4, 3, 2)
    assert tanh_equation.solve(tf.constant(0.5), tf.ones([0])).shape == (0,)
