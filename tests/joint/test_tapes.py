"""Two gradient tapes, or a persistent one: value and log-det still cost one pass, and second derivatives are right."""

import collections

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import AffineCoupling, Chain, MaskedAutoregressive
from tfflows.models import FlowModel
from tfflows.networks import MADE, MLP

tfb, tfd = tfp.bijectors, tfp.distributions
DOUBLE = "float64"
X = np.random.default_rng(0).normal(size=(3, 2))


def _made(name):
    made = MADE(2, hidden_units=(4,), activation="tanh", seed=1, dtype=DOUBLE)
    bijector = MaskedAutoregressive(made, name=name)
    for variable in bijector.trainable_variables:
        variable.assign_add(0.3 * np.random.default_rng(1).normal(size=variable.shape))
    return bijector


def _coupling(name):
    net = MLP(2, hidden_units=(4,), activation="tanh", zero_init=False, seed=2, dtype=DOUBLE)
    return AffineCoupling([1, 0], net, name=name)


TREES = {
    "one": lambda: _made("a"),
    "chain": lambda: Chain([_made("a"), tfb.Permute([1, 0]), _coupling("b")]),
    "native_inside": lambda: Chain([tfb.Chain([_made("a"), tfb.Permute([1, 0])]), _coupling("b")]),
    "native_chain": lambda: tfb.Chain([_made("a"), tfb.Permute([1, 0]), _coupling("b")]),
    "native_invert": lambda: tfb.Invert(tfb.Invert(_made("a"))),
}
every_tree = pytest.mark.parametrize("tree", TREES)
graphs = pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])


def _distribution(tree):
    base = tfd.Sample(tfd.Normal(tf.constant(0.0, DOUBLE), 1.0), [2])
    return tfd.TransformedDistribution(base, TREES[tree]())


def _counted(distribution):
    calls = collections.Counter()
    for module in distribution.submodules:
        if hasattr(module, "conditioner"):

            def counting(*args, _call=module.conditioner.call, _key=module.name, **kwargs):
                calls[_key] += 1
                return _call(*args, **kwargs)

            module.conditioner.call = counting
    return calls


def _score(function, x, **options):
    with tf.GradientTape(**options) as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x)


@every_tree
@graphs
@pytest.mark.parametrize("way", ["nested", "persistent"])
def test_one_pass_of_each_conditioner(tree, graph, way):
    distribution = _distribution(tree)
    calls, x = _counted(distribution), tf.constant(X)

    def run():
        if way == "persistent":
            return _score(distribution.log_prob, x, persistent=True)
        return _score(lambda x: _score(distribution.log_prob, x), x)

    (tf.function(run, autograph=False) if graph else run)()
    assert calls and set(calls.values()) == {1}


def _hessian(function, x):
    """`[n, D, D]` by differences of the score."""
    step, unit = 1e-5, np.eye(x.shape[-1])
    columns = [(_score(function, x + step * e) - _score(function, x - step * e)) / (2 * step) for e in unit]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("tree", [pytest.param(t, marks=() if t == "chain" else pytest.mark.slow) for t in TREES])
@graphs
def test_hessians_are_those_of_differences(tree, graph):
    model, x = FlowModel(_distribution(tree), dtype=DOUBLE), tf.constant(X)

    def hessian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = _score(model.log_prob, x)
        return tape.batch_jacobian(score, x)

    found = (tf.function(hessian, autograph=False) if graph else hessian)(x)
    np.testing.assert_allclose(found, _hessian(model.distribution.log_prob, x), rtol=1e-6, atol=1e-7)


def test_jacobians_of_weights_and_latents():
    model, x = FlowModel(_distribution("chain"), dtype=DOUBLE), tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        latents, value = model.encode(x), model.log_prob(x)
    weight = model.trainable_variables[0].value
    by_example = tape.jacobian(value, weight)
    for i in range(len(X)):
        with tf.GradientTape() as one:
            single = model.log_prob(x[i])
        np.testing.assert_allclose(by_example[i], one.gradient(single, weight), rtol=1e-9, atol=1e-12)
    log_det = np.linalg.slogdet(tape.batch_jacobian(latents, x))[1]
    base = model.distribution.distribution.log_prob(latents)
    np.testing.assert_allclose(value, base + log_det, rtol=1e-9)


def test_what_a_later_tape_asks_is_computed_anew():
    """Outside of one call an answer could be of other tapes."""
    bijector, x = _coupling("a"), tf.constant(X)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        z = bijector.inverse(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(z)
            log_det = bijector.forward_log_det_jacobian(z, 1)
    fresh = tf.identity(z)
    expected = _score(lambda z: bijector.forward_log_det_jacobian(z, 1), fresh)
    np.testing.assert_allclose(inner.gradient(log_det, z), expected, rtol=1e-9, atol=1e-12)


def test_a_call_after_another_does_not_take_its_answers_for_its_own():
    distribution = tfd.TransformedDistribution(
        tfd.Sample(tfd.Normal(0.0, 1.0), 2), AffineCoupling([1, 0], MLP(2, hidden_units=(4,), zero_init=False, seed=0))
    )
    y = tf.constant([[0.3, -1.2], [2.0, 0.5]])
    weights = distribution.trainable_variables
    for _ in range(5):  # frames of calls that ended are used again
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(y)
            distribution.log_prob(y)
            with tf.GradientTape() as inner:
                inner.watch(y)
                log_prob = distribution.log_prob(y)
        found = inner.gradient(log_prob, [y, *weights])
        with tf.GradientTape() as tape:
            tape.watch(copy := tf.identity(y))
            fresh = distribution.log_prob(copy)
        for mine, expected in zip(found, tape.gradient(fresh, [copy, *weights]), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)
