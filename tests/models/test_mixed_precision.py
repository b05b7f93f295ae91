"""Mixed precision: conditioners in half precision, everything else as before."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.datasets import two_moons
from tfflows.models import RealNVP


def moons(dtype, **kwargs):
    return RealNVP(event_shape=(2,), num_layers=6, hidden_units=(32, 32), seed=1, dtype=dtype, **kwargs)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    flow = moons("float32")
    flow.compile(keras.optimizers.Adam(3e-3))
    flow.fit(two_moons().sample(20_000, seed=0), batch_size=500, epochs=8, verbose=0)
    return flow


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_log_prob_within_tolerance_of_float32_on_the_same_weights(trained, policy):
    flow = moons(policy)
    flow.set_weights(trained.get_weights())
    x = two_moons().sample(5000, seed=1)
    assert flow.log_prob(x).dtype == tf.float32
    assert flow.bijector.bijectors[1].conditioner.compute_dtype == policy.removeprefix("mixed_")
    difference = np.abs(flow.log_prob(x).numpy() - trained.log_prob(x).numpy()).mean() / 2
    assert 0 < difference <= 0.02  # nats per dimension; 0 would mean that nothing ran in half precision


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_loss_scaling_is_kept_for_float16(policy):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        flow = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(8,))
        flow.compile("adam")
        scaled = isinstance(flow.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")
        flow.fit(two_moons().sample(512, seed=0), verbose=0)
        assert {v.dtype for v in flow.trainable_variables} == {"float32"}
        assert flow.sample(3).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy(previous)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_training_reaches_the_float32_result(policy, jit_compile):
    x, test = two_moons().sample(50_000, seed=0), two_moons().sample(20_000, seed=1)
    nats = {}
    for dtype in ("float32", policy):
        keras.utils.set_random_seed(0)
        flow = moons(dtype)
        steps = 15 * len(x) // 500
        flow.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)), jit_compile=jit_compile
        )
        flow.fit(x, batch_size=500, epochs=15, verbose=0)
        nats[dtype] = -flow.log_prob(test).numpy().mean()
    assert abs(nats[policy] - nats["float32"]) <= 0.02


def test_float64_throughout():
    flow = moons("float64")
    x = two_moons().sample(200, seed=0).astype("float64")
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(x, verbose=0)
    assert flow.log_prob(x).dtype == tf.float64
    z = flow.bijector.inverse(x)
    np.testing.assert_allclose(flow.bijector.forward(tf.identity(z)), x, atol=1e-12)
