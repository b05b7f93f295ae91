"""`predict` on arrays in memory: the log-probabilities of `log_prob`, whatever runs them."""

import concurrent.futures
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.joint import kept
from tfflows.models import FlowModel, RealNVP

DATA = np.random.default_rng(0).normal(size=(900, 3)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 900)


class Counted(RealNVP):
    """Counts how often Python runs `log_prob`: in a trace, or called by itself."""

    traces = 0

    def log_prob(self, x, context=None, **kwargs):
        self.traces += not tf.executing_eagerly()
        return super().log_prob(x, context, **kwargs)


def flow_of(jit_compile="auto", **kwargs):
    flow = Counted(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0, **kwargs)
    for weight in flow.trainable_variables:
        weight.assign(keras.random.normal(weight.shape, stddev=0.3, seed=1, dtype=weight.dtype))
    flow.compile("adam", jit_compile=jit_compile)
    return flow


# 7: one batch; 8: a whole one; 300: many and a rest; 900 of 8: more than one block, through XLA under "auto"
@pytest.mark.parametrize("count", [1, 7, 8, 300, 900])
@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_predict_is_log_prob(jit_compile, count):
    flow = flow_of(jit_compile)
    predicted = flow.predict(DATA[:count], batch_size=8, verbose=0)
    assert predicted.shape == (count,)
    np.testing.assert_allclose(predicted, flow.log_prob(DATA[:count]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kwargs", [{"num_classes": 3}, {"dtype": "float64"}])
def test_predict_takes_contexts_and_keeps_float64(kwargs):
    flow = flow_of(**kwargs)
    conditional = "num_classes" in kwargs
    x = DATA if conditional else DATA.astype("float64") / 3
    predicted = flow.predict((x, LABELS) if conditional else x, batch_size=16, verbose=0)
    expected = flow.log_prob(x, LABELS).numpy()
    assert predicted.dtype == expected.dtype
    np.testing.assert_allclose(predicted, expected, rtol=1e-5 if conditional else 1e-14)


def test_predict_sees_every_weight_update_and_traces_once():
    flow = flow_of()
    flow.predict(DATA, batch_size=8, verbose=0)
    for count in (900, 500, 270):
        for weight in flow.trainable_variables:
            weight.assign_add(tf.fill(weight.shape, 0.1))
        predicted = flow.predict(DATA[:count], batch_size=8, verbose=0)
        np.testing.assert_allclose(predicted, flow.log_prob(DATA[:count]), rtol=1e-5, atol=1e-5)
    assert flow.traces == 1


def test_sizes_in_turn_share_a_bounded_number_of_programs():
    flow = flow_of()
    data, traces = np.concatenate([DATA, DATA, DATA])[:2000], []
    expected = flow.log_prob(data)
    for count in [500, 2000] * 4:
        np.testing.assert_allclose(flow.predict(data[:count], verbose=0), expected[:count], rtol=1e-5, atol=1e-5)
        traces.append(flow.traces)
    assert traces[1:] == [2] * 7  # one without XLA, one with it
    for size in range(20, 30):  # two more than are kept
        flow.predict(data[:50], batch_size=size, verbose=0)
    assert kept.functions(flow, "predict").cache_info().currsize <= 8


def test_threads_get_the_answers_to_their_own_arrays():
    flow = flow_of()
    arrays = [DATA[:300], DATA[300:], DATA[::3], DATA[::2] + 1]
    expected = [flow.log_prob(each).numpy() for each in arrays]
    with concurrent.futures.ThreadPoolExecutor(len(arrays)) as pool:
        for _ in range(5):
            found = pool.map(lambda each: flow.predict(each, batch_size=16, verbose=0), arrays)
            for mine, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_no_data_is_kept():
    flow, data = flow_of(), DATA.copy()
    kept = weakref.ref(data)
    flow.predict(data, batch_size=8, verbose=0)
    del data
    assert kept() is None


class NoKernel(bijectors.Permutation):
    """A bijector that XLA cannot compile."""

    def inverse_and_log_det(self, y, context=None):
        y = tf.ensure_shape(tf.numpy_function(lambda value: value, [y], y.dtype), y.shape)
        return super().inverse_and_log_det(y, context)


def test_auto_does_without_xla_where_xla_cannot_compile():
    base = tfp.distributions.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    flow = FlowModel(tfp.distributions.TransformedDistribution(base, NoKernel([2, 0, 1])))
    flow.compile("adam")
    np.testing.assert_allclose(flow.predict(DATA, batch_size=8, verbose=0), flow.log_prob(DATA), rtol=1e-6)
    flow.compile("adam", jit_compile=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="XLA"):
        flow.predict(DATA, batch_size=8, verbose=0)


def test_predict_refuses_what_log_prob_refuses():
    flow = flow_of(num_classes=3)
    with pytest.raises(ValueError, match=r"expects events of shape \(3,\). Received: shape"):
        flow.predict((DATA[:, :2], LABELS), batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="`context` must hold labels from 0 to 2. Received: None"):
        flow.predict(DATA, batch_size=8, verbose=0)
