"""Autoregressive bijections: the formulas of both, the fast direction and the slow one."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import Chain, InverseAutoregressive, MaskedAutoregressive
from tfflows.networks import MADE, MLP, ContextLinear

KINDS = {"inverse": InverseAutoregressive, "masked": MaskedAutoregressive}
FAST = {"inverse": "forward", "masked": "inverse"}
every_kind = pytest.mark.parametrize("kind", KINDS)


def flow_of(kind, size=4, seed=1, scale=1.0, **options):
    net = MADE(size, hidden_units=(16, 16), activation="tanh", zero_init=False, seed=seed, **options)
    flow = KINDS[kind](net)
    for weight in net.weights:
        weight.assign(scale * weight)
    return flow


def draws(size=4, n=6, dtype="float32", seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(n, size)), dtype)


def test_inverse_autoregressive_is_the_papers_update():
    flow, x = flow_of("inverse", dtype="float64"), draws(dtype="float64")
    shift, raw = tf.split(flow.conditioner(x), 2, axis=-1)
    gate = 1 / (1 + np.exp(-(3 * np.tanh(raw / 3) + 1)))
    np.testing.assert_allclose(flow.forward(x), gate * x + (1 - gate) * shift, rtol=1e-12)
    np.testing.assert_allclose(flow.forward_log_det_jacobian(x, 1), np.log(gate).sum(-1), rtol=1e-12)


def test_forget_bias():
    x = draws()
    for bias in (0.0, 2.0):
        flow = InverseAutoregressive(MADE(4, hidden_units=(8,)), forget_bias=bias)  # the network gives 0
        np.testing.assert_allclose(flow.forward(x), x / (1 + np.exp(-bias)), rtol=1e-6)
    for bias in (np.nan, 6.0, "1", None):
        with pytest.raises(ValueError, match="`forget_bias` must be a number between -5 and 5. Received: "):
            InverseAutoregressive(MADE(4), forget_bias=bias)


def test_masked_autoregressive_is_the_papers_density():
    """Equation by equation: entry `i` is normal, its mean and deviation functions of the entries before it."""
    flow, y = flow_of("masked", dtype="float64"), draws(dtype="float64")
    log_prob = np.zeros(len(y))
    for i in range(4):
        seen = np.where(np.arange(4) < i, y, 7.0)  # what comes later must not matter
        mean, raw = np.split(flow.conditioner(seen).numpy(), 2, axis=-1)
        log_scale = 3 * np.tanh(raw[:, i] / 3)
        z = (y[:, i] - mean[:, i]) / np.exp(log_scale)
        log_prob += -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - log_scale
    x = flow.inverse(y)
    found = -0.5 * np.sum(x**2, -1) - 2 * np.log(2 * np.pi) + flow.inverse_log_det_jacobian(y, 1)
    np.testing.assert_allclose(found, log_prob, rtol=1e-11)


@every_kind
@pytest.mark.parametrize("order", ["sequential", "reversed", "random"])
def test_directions_undo_each_other(kind, order):
    flow, x = flow_of(kind, 7, order=order, dtype="float64"), draws(7, dtype="float64")
    y = tf.identity(flow.forward(x))
    np.testing.assert_allclose(flow.inverse(y), x, atol=1e-12)
    log_det = flow.forward_log_det_jacobian(tf.identity(x), 1)
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(tf.identity(y), 1), -log_det, rtol=1e-11)


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_weights_break_it(kind, dtype):
    flow, x = flow_of(kind, scale=1e4, dtype=dtype), draws(n=50, dtype=dtype)
    y, log_det = flow.forward_and_log_det(x)
    back, inverse_log_det = flow.inverse_and_log_det(y)
    assert all(np.isfinite(each).all() for each in (y, log_det, back, inverse_log_det))
    assert np.abs(log_det).max() < 4 * 3.2
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(flow.inverse_and_log_det(y)[1])
    assert all(np.isfinite(each).all() for each in tape.gradient(value, flow.trainable_variables))


@every_kind
def test_graph_does_not_grow_with_the_event(kind):
    def size(entries):
        flow = flow_of(kind, entries)
        slow = {"forward": flow.inverse, "inverse": flow.forward}[FAST[kind]]
        graph = tf.function(lambda x: slow(x), autograph=False).get_concrete_function(tf.TensorSpec([None, entries]))
        functions = graph.graph.as_graph_def().library.function
        return len(graph.graph.get_operations()) + sum(len(each.node_def) for each in functions)

    assert size(64) <= size(2) + 2


@every_kind
def test_passes_of_the_conditioner(kind):
    flow, calls = flow_of(kind, 5), []
    call = flow.conditioner.call
    flow.conditioner.call = lambda *args, **kwargs: (calls.append(1), call(*args, **kwargs))[1]
    fast, slow = (flow.forward, flow.inverse) if FAST[kind] == "forward" else (flow.inverse, flow.forward)
    fast(draws(5))
    assert len(calls) == 1
    slow(draws(5))
    assert len(calls) == 1 + 5


@every_kind
def test_gradients_of_the_slow_direction_under_xla(kind):
    flow, y = flow_of(kind, dtype="float64"), draws(dtype="float64")
    slow = flow.inverse_and_log_det if FAST[kind] == "forward" else flow.forward_and_log_det

    def gradients(y):
        with tf.GradientTape() as tape:
            tape.watch(y)
            x, log_det = slow(y)
            value = tf.reduce_sum(x**2) + tf.reduce_sum(log_det)
        return tape.gradient(value, [y, *flow.trainable_variables])

    compiled = tf.function(gradients, jit_compile=True, autograph=False)(y)
    for got, expected in zip(compiled, gradients(y), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10)


def test_a_composition_with_a_context():
    links = [
        InverseAutoregressive(MADE(3, hidden_units=(8,), zero_init=False, context_size=2, order=order))
        for order in ("sequential", "reversed")
    ]
    flow, x, context = Chain(links), draws(3), draws(2, seed=1)
    y = tf.identity(flow.forward(x, context=context))
    np.testing.assert_allclose(flow.inverse(y, context=context), x, atol=1e-5)
    assert np.abs(flow.inverse(y, context=context + 1) - x).max() > 1e-3


@every_kind
def test_other_networks_are_refused(kind):
    for net in (MLP(8), ContextLinear(8, context_size=2)):
        with pytest.raises(TypeError, match="needs a masked conditioner .* Received: "):
            KINDS[kind](net)
    with pytest.raises(ValueError, match=r"must return 8 values on its last axis.*Received: shape \(6, 12\)"):
        KINDS[kind](MADE(4, num_outputs=3)).forward(draws())
    with pytest.raises(ValueError, match=r"expects events of shape \(4,\). Received: shape \(6, 3\)"):
        flow_of(kind).forward(draws(3))
