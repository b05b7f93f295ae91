"""The normal quantile function against SciPy's, and draws that never are 0."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tfflows.ops import numerics, quantiles


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_normal_quantiles(dtype, jit_compile):
    limits = np.finfo(dtype)
    small = np.logspace(np.log10(limits.tiny) + 1e-3, -0.31, 500)
    p = np.concatenate([small, 1 - small[small > limits.epsneg], [0.5, 0.075, 0.925, 1 - limits.epsneg]]).astype(dtype)
    right = scipy.special.ndtri(p.astype("float64"))

    @tf.function(autograph=False, jit_compile=jit_compile)
    def found(p):
        with tf.GradientTape() as tape:
            tape.watch(p)
            x = quantiles.normal(p)
        return x, tape.gradient(x, p)

    x, slope = (each.numpy() for each in found(tf.constant(p)))
    np.testing.assert_allclose(x, right, rtol=40 * limits.eps, atol=4 * limits.eps)
    slopes = np.exp(0.5 * right**2) * np.sqrt(2 * np.pi)
    known = slopes < 1e30
    np.testing.assert_allclose(slope[known], slopes[known], rtol=400 * limits.eps)


def test_noise_keeps_off_both_ends_of_a_level():
    noise = tf.constant([0.0, 2.0**-24, 0.5, 1 - 2.0**-24] * 2)
    y = numerics.below_next_integer(tf.constant([0.0] * 4 + [255.0] * 4), noise).numpy()
    np.testing.assert_array_equal(y[:4], noise[:4] + [2.0**-24, 0, 0, 0])
    assert (y[4:] >= 255).all() and (y[4:] < 256).all()
