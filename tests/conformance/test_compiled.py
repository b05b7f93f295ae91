"""Graphs and XLA give what eager execution gives."""

import numpy as np
import tensorflow as tf
from cases import CASES, one_of_each_kind
from trees import named_weights


@one_of_each_kind(CASES, also={"sylvester_householder"})
def test_equals_eager(case):
    bijector = case.shared()
    weights, kwargs = list(named_weights(bijector).values()), case.kwargs(bijector, (5,))
    z = case.inputs((5,), seed=3)
    y = tf.identity(bijector.forward(z, **kwargs))

    def everything(z, y, kwargs):
        with tf.GradientTape() as tape:
            tape.watch(y)
            log_prob = case.distribution(bijector).log_prob(y, bijector_kwargs=kwargs)
        gradients = tape.gradient(log_prob, [y, *weights], unconnected_gradients="zero")
        forward = bijector.forward(z, **kwargs)
        log_dets = (
            bijector.forward_log_det_jacobian(z, case.ndims, **kwargs),
            bijector.inverse_log_det_jacobian(y, case.ndims, **kwargs),
        )
        return [bijector.inverse(y, **kwargs), log_prob, *log_dets, *gradients, forward]

    eager = everything(z, y, kwargs)
    for jit_compile in (False, True):
        compiled = tf.function(everything, jit_compile=jit_compile, autograph=False)(z, y, kwargs)
        for got, expected in zip(compiled, eager, strict=True):
            scale = max(1.0, float(tf.reduce_max(tf.abs(expected))))
            np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-5 * scale, err_msg=f"{jit_compile=}")
