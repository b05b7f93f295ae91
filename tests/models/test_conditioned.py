"""`flow.condition(context)`: a distribution like any other."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.models import Glow, NeuralSplineFlow, RealNVP

tfd = tfp.distributions
X = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
CONTEXT = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")


def moved(flow):
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(0.3 * tf.random.stateless_normal(weight.shape, [i, 0], dtype=weight.dtype))
    return flow


FLOW = moved(NeuralSplineFlow((2,), num_layers=2, hidden_units=(4,), context_size=3, seed=0))
LABELLED = moved(RealNVP((2,), num_layers=2, hidden_units=(4,), num_classes=4, seed=0))


@pytest.mark.parametrize(
    ("flow", "context"), [(FLOW, CONTEXT), (FLOW, CONTEXT[0]), (LABELLED, np.array([3, 0, 1, 2, 2, 1])), (LABELLED, 2)]
)
def test_log_prob_and_draws_are_the_flows(flow, context):
    given = flow.condition(context)
    batch = np.shape(context) if flow is LABELLED else np.shape(context)[:-1]
    assert isinstance(given, tfd.Distribution) and given.dtype == tf.float32
    assert given.batch_shape == batch and given.event_shape == (2,)
    many = np.broadcast_to(context, (6, 3) if flow is FLOW else (6,))
    np.testing.assert_allclose(given.log_prob(X), flow.log_prob(X, many), rtol=1e-6, atol=1e-6)
    draws = given.sample((5, 2), seed=(1, 2))
    assert draws.shape == (5, 2, *batch, 2)
    np.testing.assert_array_equal(draws, given.sample((5, 2), seed=(1, 2)))
    x, log_prob = given.experimental_sample_and_log_prob(3, seed=(0, 1))
    np.testing.assert_allclose(log_prob, given.log_prob(tf.identity(x)), rtol=1e-4, atol=1e-4)
    assert {id(v) for v in given.trainable_variables} == {id(v) for v in flow.distribution.trainable_variables}


def test_densities_integrate_to_one_and_other_distributions_take_it():
    axis = np.linspace(-30, 30, 600, dtype="float32")
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)[:, :, None]
    mass = np.exp(LABELLED.condition([0, 3]).log_prob(grid)).sum(axis=(0, 1)) * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(mass, 1, atol=0.01)
    mixture = tfd.MixtureSameFamily(tfd.Categorical(probs=[0.25] * 4), LABELLED.condition([0, 1, 2, 3]))
    by_hand = np.log(np.mean([np.exp(LABELLED.log_prob(X, np.full(6, k))) for k in range(4)], axis=0))
    np.testing.assert_allclose(mixture.log_prob(X), by_hand, rtol=1e-4, atol=1e-4)


def test_what_is_refused():
    with pytest.raises(ValueError, match="conditional flow over reals is needed. Received: .*, an unconditional one"):
        RealNVP((2,), num_layers=2, hidden_units=(4,)).condition(CONTEXT)
    glow = Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=2, num_classes=2)
    with pytest.raises(ValueError, match="Received: .*, one over integers"):
        glow.condition(0)
    with pytest.raises(ValueError, match="last axis 3"):
        FLOW.condition(CONTEXT[:, :2])


@pytest.mark.parametrize(("flow", "context"), [(FLOW, CONTEXT), (LABELLED, np.arange(6) % 4)])
def test_intermediates_lead_from_latents_to_events(flow, context):
    values = flow.intermediates(X, context)
    assert len(values) == 1 + len(flow.bijector.bijectors)
    np.testing.assert_array_equal(values[0], X)
    np.testing.assert_allclose(values[-1], flow.decode(X, context), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(flow.bijector.bijectors[0].inverse(values[-1]), values[-2], rtol=1e-5, atol=1e-5)
