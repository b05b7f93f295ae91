"""Value and log-det cost one pass of each conditioner."""

import collections

import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from cases import CASES, one_of_each_kind
from trees import modules

from tfflows.bijectors import Coupling

tfb = tfp.bijectors

coupled = [case for case in CASES if any(isinstance(each, Coupling) for each in modules(case.shared()))]
coupled_case = one_of_each_kind(coupled)
modes = pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
wrappings = {
    "plain": lambda b: b,
    "native_chain": lambda b: tfb.Chain([b], name="outer"),
    "native_invert": lambda b: tfb.Invert(tfb.Invert(b, name="inner"), name="outer"),
}


def _counted(bijector):
    calls = collections.Counter()
    couplings = [each for each in modules(bijector) if isinstance(each, Coupling)]
    for i, coupling in enumerate(couplings):

        def counting(*args, _call=coupling.conditioner.call, _key=i, **kwargs):
            calls[_key] += 1
            return _call(*args, **kwargs)

        coupling.conditioner.call = counting
    return calls, dict.fromkeys(range(len(couplings)), 1)


def _run(graph, function):
    return (tf.function(function, autograph=False) if graph else function)()


@coupled_case
@modes
@pytest.mark.parametrize("wrapped", wrappings)
def test_log_prob(case, graph, wrapped):
    bijector = wrappings[wrapped](case.fresh())
    calls, once = _counted(bijector)
    y, kwargs = case.inputs((5,), interval="image"), case.kwargs(bijector, (5,))
    distribution = case.distribution(bijector)
    _run(graph, lambda: distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs))
    assert calls == once


@coupled_case
@modes
def test_log_prob_with_its_gradient(case, graph):
    bijector = case.fresh()
    calls, once = _counted(bijector)
    y, kwargs = case.inputs((5,), interval="image"), case.kwargs(bijector, (5,))

    def run():
        with tf.GradientTape() as tape:
            log_prob = case.distribution(bijector).log_prob(tf.identity(y), bijector_kwargs=kwargs)
        return tape.gradient(log_prob, bijector.trainable_variables)

    _run(graph, run)
    assert calls == once


@coupled_case
@modes
def test_sample_and_its_log_prob(case, graph):
    bijector = case.fresh()
    calls, once = _counted(bijector)
    kwargs, distribution = case.kwargs(bijector, (5,)), case.distribution(bijector)

    def run():
        return distribution.experimental_sample_and_log_prob(5, seed=1, bijector_kwargs=kwargs)

    _run(graph, run)
    assert calls == once
