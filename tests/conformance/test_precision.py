"""Conditioners may compute in half precision; bijections and log-dets do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, costly, every_case, weighted_case
from trees import modules, named_weights

from tfflows.bijectors import Autoregressive, Coupling, TransformerAutoregressive

UNIT_ROUNDOFF = {"mixed_float16": 2.0**-11, "mixed_bfloat16": 2.0**-8}
policies = pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)])


@costly(CASES)
@policies
def test_outputs_are_float32_and_close(case, policy):
    keras.config.set_dtype_policy(policy)
    bijector, exact = case.fresh(policy), case.shared("float32")
    kwargs = case.kwargs(bijector, (256,))
    y = tf.identity(exact.forward(case.base().sample(256, seed=(0, 1)), **case.kwargs(exact, (256,))))
    x = bijector.inverse(y, **kwargs)
    log_dets = (
        bijector.inverse_log_det_jacobian(y, case.ndims, **kwargs),
        bijector.forward_log_det_jacobian(tf.identity(x), case.ndims, **kwargs),
    )
    assert {each.dtype for each in (x, bijector.forward(tf.identity(x), **kwargs), *log_dets)} == {tf.float32}
    log_prob = case.distribution(bijector).log_prob(tf.identity(y), bijector_kwargs=kwargs)
    expected = case.distribution(exact).log_prob(tf.identity(y), bijector_kwargs=case.kwargs(exact, (256,)))
    assert log_prob.dtype == tf.float32
    error = np.abs(log_prob - expected) / np.prod(case.event_shape) / UNIT_ROUNDOFF[policy]
    assert error.mean() < 1.5 and np.quantile(error, 0.99) < 5 and error.max() < 12  # 5 of bfloat16: 0.02 nats


@costly([case for case in CASES if case.weights])
@policies
def test_conditioners_compute_in_half_and_weights_stay_float32(case, policy):
    keras.config.set_dtype_policy(policy)
    bijector, seen = case.fresh(policy), []
    conditional = (Autoregressive, Coupling, TransformerAutoregressive)
    conditioned = [each for each in modules(bijector) if isinstance(each, conditional)]
    for i, one in enumerate(conditioned):
        for layer in one.conditioner._flatten_layers():
            if hasattr(layer, "kernel"):

                def recorded(*args, _call=layer.call, _of=i, **kwargs):
                    out = _call(*args, **kwargs)
                    seen.append((_of, out.dtype.name))
                    return out

                layer.call = recorded
    weights, kwargs = named_weights(bijector), case.kwargs(bijector, (4,))
    y = case.inputs((4,), interval="image")
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_sum(case.distribution(bijector).log_prob(y, bijector_kwargs=kwargs))
    gradients = tape.gradient(log_prob, list(weights.values()))
    half = policy.removeprefix("mixed_")
    assert {i for i, dtype in seen if dtype == half} == set(range(len(conditioned)))
    assert {dtype for _, dtype in seen} <= {half, "float32"}  # an output layer may keep the precision of the weights
    assert {v.dtype for v in weights.values()} == {g.dtype for g in gradients} == {tf.float32}


@every_case
@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_other_dtypes_are_refused(case, dtype):
    x = tf.cast(case.inputs((4,)), dtype)
    with pytest.raises(TypeError, match="float32 or float64. Received: dtype " + dtype):
        case.shared().forward(x, **case.kwargs(case.shared(), (4,)))


@weighted_case
def test_weights_may_be_read_by_xla_on_a_gpu(case):
    """TensorFlow keeps int32 variables in the CPU's memory, where code compiled for a GPU cannot read them."""
    weights = (v for m in modules(case.shared()) for v in m.variables)
    assert not [v.name for v in weights if v.dtype.base_dtype == tf.int32]
