"""No answer outlives a weight update, not even for the tensors of an earlier answer."""

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, one_of_each_kind
from trees import nudge

CLOSE = {"rtol": 2e-4, "atol": 2e-4}  # float32; one update moves log-probabilities by far more
modes = pytest.mark.parametrize("mode", ["eager", "graph"])
weighted = [case for case in CASES if case.weights]
# TFP's own Chain keeps its answers, inside a FlowModel it does not.
cached_case = one_of_each_kind([case for case in weighted if not case.native])


def _all_answers(case, bijector, y, kwargs):
    """Every question about `y` and its latent, in the order that would hit a cache."""
    x = bijector.inverse(y, **kwargs)
    log_det = bijector.inverse_log_det_jacobian(y, case.ndims, **kwargs)
    return x, log_det, case.distribution(bijector).log_prob(y, bijector_kwargs=kwargs)


def _run(mode, function):
    return function() if mode == "eager" else tf.function(function, autograph=False)()


def _update(mode, bijector):
    if mode == "graph_in_graph":
        tf.function(lambda: nudge(bijector), autograph=False)()
    else:
        nudge(bijector)


@cached_case
@modes
def test_bijector(case, bijector, mode):
    x = case.inputs((5,))
    kwargs = case.kwargs(bijector, (5,))

    def run():
        y = bijector.forward(x, **kwargs)
        before = _all_answers(case, bijector, y, kwargs)
        _update(mode, bijector)
        return y, before, _all_answers(case, bijector, y, kwargs), bijector.forward(x, **kwargs)

    y, before, after, forward = _run(mode, run)
    fresh = bijector.copy()
    kwargs = case.kwargs(fresh, (5,))
    for answer, expected in zip(after, _all_answers(case, fresh, tf.identity(y), kwargs), strict=True):
        np.testing.assert_allclose(answer, expected, **CLOSE)
    np.testing.assert_allclose(forward, fresh.forward(tf.identity(x), **kwargs), **CLOSE)
    assert np.abs(after[0] - before[0]).max() > 1e-3 and np.abs(after[2] - before[2]).max() > 1e-3


@cached_case
@pytest.mark.parametrize("mode", ["eager", "graph", "graph_in_graph"])
def test_sample_then_update_then_log_prob(case, bijector, mode):
    distribution, kwargs = case.distribution(bijector), case.kwargs(bijector, (5,))

    def run():
        y = distribution.sample(5, seed=(0, 1), bijector_kwargs=kwargs)
        before = distribution.log_prob(y, bijector_kwargs=kwargs)
        _update(mode, bijector)
        return y, before, distribution.log_prob(y, bijector_kwargs=kwargs)

    y, before, after = _run(mode, run)
    np.testing.assert_allclose(after, distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs), **CLOSE)
    assert np.abs(after - before).max() > 1e-3


@one_of_each_kind(weighted)
@modes
def test_flow_model(case, bijector, mode):
    model, context = case.model(bijector), case.context_for((5,))

    def run():
        y = model.sample(5, context=context, seed=1)
        before = model.log_prob(y, context)
        _update(mode, bijector)
        return y, before, model.log_prob(y, context)

    y, before, after = _run(mode, run)
    np.testing.assert_allclose(after, model.log_prob(y.numpy(), context), **CLOSE)
    assert np.abs(after - before).max() > 1e-3


@one_of_each_kind(weighted)
def test_update_between_two_calls_of_one_function(case, bijector):
    distribution, kwargs = case.distribution(bijector), case.kwargs(bijector, (5,))
    y = tf.identity(bijector.forward(case.inputs((5,)), **kwargs))
    log_prob = tf.function(lambda y: distribution.log_prob(y, bijector_kwargs=kwargs), autograph=False)
    before = log_prob(y)
    nudge(bijector)
    expected = distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs)
    np.testing.assert_allclose(log_prob(y), expected, **CLOSE)
    assert np.abs(expected - before).max() > 1e-3
