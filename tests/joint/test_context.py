"""A context reaches every conditional bijector, through native compositions as well."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, AffineCoupling, Chain
from tfflows.joint.composition import context_kwargs
from tfflows.models import FlowModel
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions


def _conditional(seed=1, name="conditional"):
    return AffineCoupling([1, 0], MLP(2, hidden_units=(8,), context_size=3, zero_init=False, seed=seed), name=name)


def _distribution(bijector):
    return tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2)), bijector)


COMPOSITIONS = {
    "plain": lambda: _conditional(),
    "our_chain": lambda: Chain([_conditional(), tfb.Permute([1, 0]), ActNorm([2]), _conditional(2)]),
    "native_chain": lambda: tfb.Chain([_conditional(1, "a"), tfb.Permute([1, 0]), _conditional(2, "b")]),
    "native_invert": lambda: tfb.Invert(_conditional()),
    "inverted_chain": lambda: tfb.Invert(tfb.Chain([_conditional(1, "a"), tfb.Permute([1, 0])])),
    "nested_chains": lambda: tfb.Chain([tfb.Chain([_conditional()], name="in"), tfb.Invert(_conditional(2), name="i")]),
    "chain_in_ours": lambda: Chain([tfb.Chain([_conditional(1, "a"), tfb.Tanh()]), tfb.Invert(_conditional(2))]),
}
every_composition = pytest.mark.parametrize("composition", COMPOSITIONS)


@every_composition
def test_the_context_matters_in_both_directions(composition):
    bijector, x = COMPOSITIONS[composition](), tf.constant([[0.3, -0.2], [0.1, 0.4]])
    answers = []
    for value in (0.0, 2.0):
        kwargs = context_kwargs(bijector, tf.fill([2, 3], value))
        y = bijector.forward(x, **kwargs)
        back = bijector.inverse(tf.identity(y), **kwargs)
        np.testing.assert_allclose(back, x, atol=1e-4)
        there = bijector.forward_log_det_jacobian(tf.identity(x), 1, **kwargs)
        np.testing.assert_allclose(there, -bijector.inverse_log_det_jacobian(tf.identity(y), 1, **kwargs), atol=1e-4)
        answers.append((y, there))
    assert np.abs(answers[0][0] - answers[1][0]).max() > 1e-3
    assert np.abs(answers[0][1] - answers[1][1]).max() > 1e-3


@every_composition
def test_answers_belong_to_their_context(composition):
    bijector, x = COMPOSITIONS[composition](), tf.constant([[0.3, -0.2], [0.1, 0.4]])
    zero, two = tf.zeros([2, 3]), tf.fill([2, 3], 2.0)
    first = bijector.forward(x, **context_kwargs(bijector, zero))
    other = bijector.forward(x, **context_kwargs(bijector, two))
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_array_equal(other, bijector.forward(tf.identity(x), **context_kwargs(bijector, two)))
    again = bijector.forward(x, **context_kwargs(bijector, zero))
    np.testing.assert_array_equal(again, first)


@every_composition
def test_a_flow_model_hands_it_on(composition):
    model = FlowModel(_distribution(COMPOSITIONS[composition]()), context_size=3)
    y, context = tf.constant([[0.3, -0.2], [0.1, 0.4]]), tf.constant([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    kwargs = context_kwargs(model.bijector, context)
    expected = model.distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs)
    np.testing.assert_allclose(model.log_prob(y, context), expected, rtol=1e-6)
    np.testing.assert_allclose(model((y, context)), expected, rtol=1e-6)
    assert model.sample(2, context=context, seed=1).shape == (2, 2)


def test_no_context_gives_no_keywords():
    for make in COMPOSITIONS.values():
        assert context_kwargs(make(), None) == {}
    assert context_kwargs(tfb.Chain([tfb.Tanh(), tfb.Permute([1, 0])]), tf.zeros([2, 3])) == {}


def test_a_missing_context_is_refused():
    model = FlowModel(_distribution(_conditional()), context_size=3)
    with pytest.raises(ValueError, match="conditional: `context` must hold vectors of 3. Received: None"):
        model.log_prob(tf.zeros([2, 2]))
    with pytest.raises(ValueError, match=r"last axis 3. Received: shape \(2, 4\)"):
        model.log_prob(tf.zeros([2, 2]), tf.zeros([2, 4]))
    with pytest.raises(ValueError, match=r"expects the pair \(x, context\)"):
        _conditional().forward(tf.zeros([2, 2]))


def test_two_links_of_one_name_are_not_mixed_up():
    chain = tfb.Chain([_conditional(1, "same"), tfb.Permute([1, 0]), _conditional(2, "same")])
    kwargs = context_kwargs(chain, tf.ones([2, 3]))
    y = chain.forward(tf.zeros([2, 2]), **kwargs)
    np.testing.assert_allclose(chain.inverse(tf.identity(y), **kwargs), tf.zeros([2, 2]), atol=1e-5)
