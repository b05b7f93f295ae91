"""Second derivatives of slices under XLA, which TensorFlow alone does not have (findings/)."""

import numpy as np
import tensorflow as tf

import tfflows.joint  # noqa: F401 - registers


def test_second_derivatives_of_slices_under_xla():
    """Of `sum(y^3)`, `y` a slice in two axes and one behind it: `6 y`, zeros elsewhere."""
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 5)))

    def first(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.slice(tf.slice(x, [1, 0], [2, 4]), [0, 1], [2, 2])
            total = tf.reduce_sum(y**3)
        return tape.gradient(total, x)

    @tf.function(jit_compile=True, autograph=False)
    def products(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(first(x))
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
            gradient = first(x)
        return tape.gradient(total, x), accumulator.jvp(gradient)

    expected = np.zeros((4, 5))
    expected[1:3, 1:3] = 6 * x[1:3, 1:3]
    for found in products(x):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
