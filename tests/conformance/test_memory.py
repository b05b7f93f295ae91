"""What a bijector remembers dies with the tensors that were asked about."""

import gc
from functools import partial

import pytest
import tensorflow as tf
from cases import CASES, COMPOSED, VARIANTS, one_of_each_kind
from trees import modules

from tfflows.joint import KerasBijector

ONE_OF_EACH_KIND = [case for case in CASES if case.name not in VARIANTS | COMPOSED]
many_cases = pytest.mark.parametrize(
    "cases", [ONE_OF_EACH_KIND, pytest.param(CASES, marks=pytest.mark.slow)], ids=["one_of_each_kind", "all"]
)


def _remembered(bijector):
    return sum(len(each._answers) for each in modules(bijector) if isinstance(each, KerasBijector))


def _resident_megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


@one_of_each_kind(CASES)
def test_eager_answers_die_with_their_tensors(case):
    bijector = case.fresh()
    kwargs, x = case.kwargs(bijector, (5,)), case.inputs((5,))
    y = bijector.forward(x, **kwargs)
    log_prob = case.distribution(bijector).log_prob(y, bijector_kwargs=kwargs)
    back = bijector.inverse(tf.identity(y), **kwargs)
    del x, y, log_prob, back
    assert _remembered(bijector) == 0


def _native_parts(bijector):
    return [each for each in modules(bijector) if not isinstance(each, KerasBijector)]


@many_cases
def test_answers_of_a_graph_die_with_it(cases):
    bijectors = {case.name: case.fresh() for case in cases}
    # TFP's own cache keeps alive every graph that a native bijector was traced in, alone or as a link of ours
    bijectors = {name: each for name, each in bijectors.items() if not _native_parts(each)}
    assert len(bijectors) > len(cases) // 2
    for case in cases:
        if case.name in bijectors:
            kwargs, distribution = case.kwargs(bijectors[case.name], (5,)), case.distribution(bijectors[case.name])
            function = tf.function(partial(distribution.log_prob, bijector_kwargs=kwargs), autograph=False)
            function(case.inputs((5,), interval="image"))
    del function, distribution, kwargs
    gc.collect()
    assert {name: _remembered(bijector) for name, bijector in bijectors.items() if _remembered(bijector)} == {}


@many_cases
def test_many_calls_leave_nothing(cases):
    flows = [(case, case.shared()) for case in cases]
    inputs = [case.inputs((5,), interval="image") for case in cases]
    contexts = [case.kwargs(bijector, (5,)) for case, bijector in flows]

    def tensors():
        gc.collect()
        return sum(isinstance(each, tf.Tensor) for each in gc.get_objects())

    def call():
        for (case, bijector), y, kwargs in zip(flows, inputs, contexts):
            case.distribution(bijector).log_prob(tf.identity(y), bijector_kwargs=kwargs)

    call()
    before = tensors()
    for _ in range(5):
        call()
    assert tensors() <= before


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.name == "chain_deep"], ids=str)
def test_memory_is_flat_over_5000_eager_calls(case):
    bijector = case.fresh()
    distribution, y = case.distribution(bijector), case.inputs((100,))
    sizes = []
    for i in range(5000):
        distribution.log_prob(tf.identity(y))
        if i % 1000 == 999:
            sizes.append(_resident_megabytes())
    assert sizes[-1] - sizes[0] < 5
