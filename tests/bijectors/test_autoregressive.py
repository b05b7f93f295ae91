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
@pytest.mark.parametrize(
    ("options", "passes"),
    [({}, 0), ({"dtype": "mixed_bfloat16"}, 5), ({"hidden_units": ()}, 5)],
    ids=["steps", "half", "no_hidden_layer"],
)
def test_passes_of_the_conditioner(kind, options, passes):
    """One in the fast direction; in the slow one steps, which are no passes, or as many passes as entries."""
    flow, calls = KINDS[kind](MADE(5, zero_init=False, seed=1, **options)), []
    call = flow.conditioner.call
    flow.conditioner.call = lambda *args, **kwargs: (calls.append(1), call(*args, **kwargs))[1]
    directions = {"forward": flow.forward_and_log_det, "inverse": flow.inverse_and_log_det}
    fast = directions.pop(FAST[kind])
    (slow,) = directions.values()
    x, log_det = fast(draws(5))
    assert len(calls) == 1
    tf.config.run_functions_eagerly(True)  # each pass of the loop is seen, not the one that is traced
    try:
        back, minus = slow(x)
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(calls) == 1 + passes
    tolerance = 0.05 if options.get("dtype") else 1e-5
    np.testing.assert_allclose(back, draws(5), atol=tolerance)
    np.testing.assert_allclose(minus, -log_det, atol=tolerance)


@every_kind
@pytest.mark.parametrize("context", [None, "vector"])
@pytest.mark.parametrize("net", [
    {"order": "random"}, {"degrees": "random", "hidden_units": (7, 9, 9), "residual": True},
    {"hidden_units": (3,), "order": "reversed"}, {"hidden_units": (40, 40), "residual": True},
], ids=["order", "random_residual", "fewer_units_than_entries", "residual"])  # fmt: skip
def test_steps_are_the_passes(kind, net, context):
    """Entry by entry gives what full passes give, values, log-dets and gradients."""
    sizes = {} if context is None else {"context_size": 2}
    net = MADE(
        6, **{"hidden_units": (16, 16), **net}, activation="tanh", zero_init=False, dtype="float64", seed=3, **sizes
    )
    flow, y = KINDS[kind](net), draws(6, dtype="float64")
    context = None if context is None else draws(2, dtype="float64", seed=2)
    function = flow.map.forward if FAST[kind] == "inverse" else flow.map.inverse
    found = []
    for loop in (flow._entry_by_entry, flow._pass_by_pass):
        with tf.GradientTape() as tape:
            tape.watch(y)
            x, log_det = loop(function, y, context)
            value = tf.reduce_sum(x**2) + tf.reduce_sum(log_det)
        found.append([x, log_det, *tape.gradient(value, [y, *flow.trainable_variables])])
    for mine, expected in zip(*found, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-9, atol=1e-11)


@every_kind
def test_slow_direction_is_one_loop_of_any_batch(kind):
    """Outside of functions too it is compiled, once for all sizes of a batch, and batch axes are kept."""
    flow = flow_of(kind, 3)
    slow = flow.inverse_and_log_det if FAST[kind] == "forward" else flow.forward_and_log_det
    for shape in ((3,), (0, 3), (4, 3), (2, 5, 3)):
        y = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
        x, log_det = slow(y)
        assert x.shape == shape and log_det.shape == shape[:-1]
        if len(shape) == 3:
            np.testing.assert_allclose(x[1], slow(y[1])[0], atol=1e-6)


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


@every_kind
def test_jacobians_of_the_loop_take_its_steps_one_by_one(kind, monkeypatch):
    """TensorFlow vectorises the gradient of a loop in many seconds. Against differences; Hessians too."""
    flow, x, h = flow_of(kind, size=3, dtype="float64"), draws(3, 4, "float64"), 1e-5
    loop = flow.inverse_and_log_det if FAST[kind] == "forward" else flow.forward_and_log_det
    slopes = [[(up - down) / (2 * h) for up, down in zip(loop(x + h * e), loop(x - h * e))] for e in np.eye(3)]
    monkeypatch.setattr(flow, "_compiled", None)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y, log_det = loop(x)
        score = inner.gradient(log_det, x)
    jacobian = outer.batch_jacobian(y, x)
    np.testing.assert_allclose(jacobian, np.stack([slope for slope, _ in slopes], axis=-1), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(score, np.stack([slope for _, slope in slopes], axis=-1), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        outer.gradient(score, x), tf.reduce_sum(outer.batch_jacobian(score, x), axis=1), rtol=1e-9
    )
