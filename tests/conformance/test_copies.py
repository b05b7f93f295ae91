"""`copy()` shares trained weights; `copy.deepcopy` keeps their values in variables of its own."""

import copy

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, costly, every_case, one_of_each_kind, weighted_case
from trees import named_weights, nudge

from tfflows.bijectors import AffineCoupling, Chain
from tfflows.networks import MLP


def _forward(case, bijector):
    return bijector.forward(case.inputs((4,)), **case.kwargs(bijector, (4,))).numpy()


def _trained(case):
    bijector = case.fresh()
    nudge(bijector)
    return bijector


def _ids(bijector):
    return {id(v) for v in bijector.variables}


@one_of_each_kind(CASES)
@pytest.mark.parametrize("copied", [lambda b: b.copy(), copy.copy], ids=["copy_method", "copy_copy"])
def test_copy_shares(case, copied):
    bijector = _trained(case)
    twin = copied(bijector)
    assert _ids(twin) == _ids(bijector)
    np.testing.assert_array_equal(_forward(case, twin), _forward(case, bijector))
    nudge(bijector)
    np.testing.assert_array_equal(_forward(case, twin), _forward(case, bijector))


@every_case
def test_copy_under_another_name_keeps_trained_weights(case):
    bijector = _trained(case)
    twin = bijector.copy(name="another")
    assert twin.name == "another"
    np.testing.assert_array_equal(_forward(case, twin), _forward(case, bijector))


@costly([case for case in CASES if case.weights])
def test_deepcopy_keeps_values_and_shares_nothing(case):
    bijector = _trained(case)
    twin = copy.deepcopy(bijector)
    assert not _ids(twin) & _ids(bijector)
    assert len(named_weights(twin, trainable=False)) == len(named_weights(bijector, trainable=False))
    before = _forward(case, bijector)
    np.testing.assert_array_equal(_forward(case, twin), before)
    nudge(bijector)
    assert np.abs(_forward(case, bijector) - before).max() > 1e-3
    np.testing.assert_array_equal(_forward(case, twin), before)


@one_of_each_kind([case for case in CASES if case.weights])
def test_deepcopy_is_trainable(case):
    twin = copy.deepcopy(_trained(case))
    weights, kwargs = named_weights(twin), case.kwargs(twin, (4,))
    y = case.inputs((4,), interval="image")
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_sum(case.distribution(twin).log_prob(y, bijector_kwargs=kwargs))
    gradients = dict(zip(weights, tape.gradient(log_prob, list(weights.values()))))
    assert [name for name, gradient in gradients.items() if gradient is None] == []


@weighted_case
def test_distribution_copies(case):  # TFP cannot deepcopy any transformed distribution, so only the copy method
    bijector = _trained(case)
    assert _ids(case.distribution(bijector).copy(name="another")) == _ids(bijector)


def test_deepcopy_of_a_tree_keeps_sharing():
    coupling = AffineCoupling([1, 0], MLP(2, hidden_units=(4,), zero_init=False))
    twin = copy.deepcopy(Chain([coupling, coupling]))
    assert len(twin.variables) == len(coupling.variables) == 4
    assert twin.bijectors[0] is twin.bijectors[1]
