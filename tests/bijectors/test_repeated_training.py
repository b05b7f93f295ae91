"""A loop adapts to data and trains like the chain of its steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from repeated_steps import DATA, both, fresh

from tfflows.bijectors import Repeated
from tfflows.joint import composition
from tfflows.models import FlowModel

tfd = tfp.distributions


@pytest.mark.parametrize(("jit_compile", "steps"), [(False, 4), (True, 1)])
def test_fit(jit_compile, steps):
    loop = Repeated([fresh(10 * i) for i in range(4)], checkpoint_every=2)
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=jit_compile, steps_per_execution=steps)
    before = [v.numpy() for v in loop.weights]
    losses = model.fit(DATA[:, [0, 0, 1, 2]] + DATA, batch_size=60, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and loop.adapted
    assert all(np.abs(v - old).max() > 0 for v, old in zip(loop.weights, before, strict=True))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_fit_in_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    loop = Repeated([fresh(10 * i) for i in range(4)], checkpoint_every=2)
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop))
    model.compile(keras.optimizers.Adam(0.01))
    losses = model.fit(DATA[:, [0, 0, 1, 2]] + DATA, batch_size=64, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert {v.dtype for v in loop.trainable_variables} == {tf.float32} and model(DATA[:2]).dtype == tf.float32


def test_adapt_equals_the_chain_s_and_acts_once():
    chain, loop = both(lambda i: fresh(10 * i, zero_init=False), 4)
    assert not loop.adapted
    x, expected = loop.adapt(DATA), chain.adapt(tf.constant(DATA))
    np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-5)
    assert loop.adapted and not composition.unadapted(loop)
    np.testing.assert_allclose(loop.inverse(tf.constant(DATA)), x, rtol=1e-4, atol=1e-5)
    before = [v.numpy() for v in loop.weights]
    np.testing.assert_array_equal(loop.adapt(DATA + 7.0), loop.inverse(tf.constant(DATA + 7.0)))
    for v, old in zip(loop.weights, before, strict=True):
        np.testing.assert_array_equal(v, old)


def test_adapt_to_bad_data_writes_nothing():
    loop = Repeated([fresh(i) for i in range(3)])
    with pytest.raises(ValueError, match="adapts to finite data"):
        loop.adapt(np.full([4, 4], np.nan, "float32"))
    assert not loop.adapted and not any(np.any(v.numpy()) for v in loop.weights if "actnorm" in v.path)
