"""The transformer autoregressive bijector: its density, its loop, its guidance."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import TransformerAutoregressive
from tfflows.networks import MADE, Transformer


def flow_of(shape=(4, 3), scale=1.0, guidance=0.0, reverse=False, **options):
    options = {"num_blocks": 2, "units": 8, "num_heads": 2, "zero_init": False, "seed": 1, **options}
    net = Transformer(shape, **options)
    for weight in net.weights:
        weight.assign(scale * weight)
    return TransformerAutoregressive(net, guidance=guidance, reverse=reverse)


def draws(*shape, dtype="float64", seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), dtype)


@pytest.mark.parametrize("reverse", [False, True])
def test_density_token_by_token(reverse):
    """Each token is normal, its mean and deviations functions of the tokens before it, in its order."""
    flow, y = flow_of(dtype="float64", reverse=reverse), draws(6, 4, 3)
    ordered = y.numpy()[:, ::-1] if reverse else y.numpy()
    log_prob = np.zeros(6)
    for t in range(4):
        seen = np.where(np.arange(4)[:, None] < t, ordered, 7.0)  # what comes later must not matter
        mean, raw = np.split(flow.conditioner(seen).numpy()[:, t], 2, axis=-1)
        log_scale = 3 * np.tanh(raw / 3)
        z = (ordered[:, t] - mean) / np.exp(log_scale)
        log_prob += np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - log_scale, axis=-1)
    x = flow.inverse(y).numpy()
    found = -0.5 * np.sum(x**2, (1, 2)) - 6 * np.log(2 * np.pi) + flow.inverse_log_det_jacobian(y, 2)
    np.testing.assert_allclose(found, log_prob, rtol=1e-11)


@pytest.mark.parametrize("reverse", [False, True])
def test_jacobian_is_triangular_and_its_determinant_ours(reverse):
    flow, y = flow_of(dtype="float64", reverse=reverse), draws(2, 4, 3)
    with tf.GradientTape() as tape:
        tape.watch(y)
        x = flow.inverse(y)
    jacobian = tape.batch_jacobian(x, y).numpy()
    for t in range(4):
        for s in range(4):
            block = jacobian[:, t, :, s]
            if s == t:
                assert (block[:, ~np.eye(3, dtype=bool)] == 0).all()
            else:
                assert (np.abs(block).max() > 1e-6) == ((s > t) if reverse else (s < t)), (t, s)
    expected = np.linalg.slogdet(jacobian.reshape(2, 12, 12))[1]
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(tf.identity(y), 2), expected, rtol=1e-9)


@pytest.mark.parametrize("options", [
    {}, {"reverse": True}, {"context_size": 2}, {"num_classes": 3}, {"num_classes": 3, "guidance": 1.5},
], ids=str)  # fmt: skip
def test_cached_loop_undoes_the_pass(options):
    flow, x = flow_of((7, 2), dtype="float64", **options), draws(2, 3, 7, 2)
    context = {"context": draws(3, 2, seed=1)} if "context_size" in options else {}
    context = {"context": tf.constant([0, 2, 1])} if "num_classes" in options else context
    y = tf.identity(flow.forward(x, **context))
    np.testing.assert_allclose(flow.inverse(y, **context), x, atol=1e-11)
    log_det = flow.forward_log_det_jacobian(tf.identity(x), 2, **context)
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(tf.identity(y), 2, **context), -log_det, rtol=1e-10)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("options", [{}, {"num_classes": 3, "guidance": 0.5}], ids=["plain", "guided"])
def test_half_precision_in_both_directions(policy, options):
    flow, x = flow_of(dtype=policy, zero_init=True, **options), draws(3, 4, 3, dtype="float32")
    for weight in flow.conditioner.last.weights:
        weight.assign(0.1 * draws(*weight.shape, dtype="float32", seed=2))
    context = {"context": tf.constant([0, 2, 1])} if options else {}
    y = tf.identity(flow.forward(x, **context))
    assert y.dtype == tf.float32 and flow.conditioner.blocks[0].compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(flow.inverse(y, **context), x, atol=0.05)


def test_gradients_through_the_loop():
    """By the event: the inverse's Jacobian, inverted. By the weights: finite differences."""
    flow, x, direction = flow_of((3, 2), dtype="float64"), draws(1, 3, 2), draws(1, 3, 2, seed=3)
    kernel = flow.conditioner.blocks[0].qkv.kernel
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(direction * flow.forward(x))
    by_event, by_kernel = tape.gradient(value, [x, kernel.value])
    y = tf.identity(flow.forward(x))
    with tf.GradientTape() as tape:
        tape.watch(y)
        back = flow.inverse(y)
    inverse_jacobian = tf.reshape(tape.jacobian(back, y), [6, 6]).numpy()
    np.testing.assert_allclose(np.ravel(by_event), np.linalg.solve(inverse_jacobian.T, np.ravel(direction)), rtol=1e-9)
    change = draws(*kernel.shape, seed=4)
    values = []
    for step in (1e-5, -2e-5):
        kernel.assign_add(step * change)
        values.append(float(tf.reduce_sum(direction * flow.forward(tf.identity(x)))))
    assert (values[0] - values[1]) / 2e-5 == pytest.approx(float(tf.reduce_sum(by_kernel * change)), rel=1e-5)


def test_guidance():
    plain, x, labels = flow_of(num_classes=3, dtype="float64"), draws(4, 4, 3), tf.constant([0, 1, 2, 0])
    nothing = plain.copy(guidance=0.0)
    np.testing.assert_array_equal(nothing.forward(x, context=labels), plain.forward(x, context=labels))
    guided = plain.copy(guidance=2.0)
    assert guided.conditioner is plain.conditioner
    y = guided.forward(x, context=labels)
    parameters = []
    for given in (labels, -tf.ones_like(labels)):
        shift, raw = np.split(plain.conditioner([y, given]).numpy(), 2, axis=-1)
        parameters.append((shift, 3 * np.tanh(raw / 3)))
    shift, log_scale = (3 * a - 2 * b for a, b in zip(*parameters))
    np.testing.assert_allclose(y, x * np.exp(log_scale) + shift, rtol=1e-10)
    np.testing.assert_allclose(
        guided.forward_log_det_jacobian(tf.identity(x), 2, context=labels), log_scale.sum((1, 2)), rtol=1e-10
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_weights_break_it(dtype):
    flow, x = flow_of(scale=1e3, dtype=dtype), draws(20, 4, 3, dtype=dtype)
    y, log_det = flow.forward_and_log_det(x)
    back, inverse_log_det = flow.inverse_and_log_det(y)
    assert all(np.isfinite(each).all() for each in (y, log_det, back, inverse_log_det))
    assert np.abs(log_det).max() <= 12 * 3.0001
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(flow.inverse_and_log_det(y)[1])
    assert all(np.isfinite(each).all() for each in tape.gradient(value, flow.trainable_variables))


def test_one_loop_of_any_length_and_batch():
    def size(tokens):
        flow = flow_of((tokens, 3))
        function = tf.function(lambda x: flow.forward(x), autograph=False)
        graph = function.get_concrete_function(tf.TensorSpec([None, tokens, 3])).graph
        functions = graph.as_graph_def().library.function
        return len(graph.get_operations()) + sum(len(each.node_def) for each in functions)

    assert size(32) <= size(4) + 2
    flow = flow_of(dtype="float32")
    for batch in ((), (0,), (5,), (2, 3)):
        assert flow.forward(draws(*batch, 4, 3, dtype="float32")).shape == (*batch, 4, 3)


def test_a_step_evaluates_one_token():
    """Multiplications of the loop's body do not grow with the tokens, but for looking at the cache."""
    flow, rows = flow_of((6, 3)), []
    call = flow.conditioner.blocks[0].expanded.call
    flow.conditioner.blocks[0].expanded.call = lambda h: (rows.append(h.shape[0]), call(h))[1]
    tf.config.run_functions_eagerly(True)  # each step of the loop is seen, not the one that is traced
    try:
        flow.forward(draws(2, 6, 3, dtype="float32"))
    finally:
        tf.config.run_functions_eagerly(False)
    assert rows == [2] * 6


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TransformerAutoregressive(MADE(3)), TypeError, "`token_by_token`.*Received: MADE"),
        (lambda: TransformerAutoregressive(Transformer((4, 3), num_outputs=3)), ValueError, "2 values for each"),
        (lambda: flow_of(guidance=-1.0), ValueError, "`guidance` must be a number of at least 0. Received: -1.0"),
        (lambda: flow_of(guidance=1.0), ValueError, "`guidance` needs a conditioner with `num_classes`"),
        (lambda: flow_of(guidance=1.0, context_size=2), ValueError, "`num_classes`"),
        (lambda: flow_of().inverse(tf.zeros([2, 5, 3])), ValueError, r"events of shape \(4, 3\). Received"),
        (lambda: flow_of().forward(tf.zeros([4])), ValueError, "events of rank 2 or more"),
        (lambda: flow_of(context_size=2).forward(tf.zeros([1, 4, 3])), ValueError, "the pair"),
    ],
)  # fmt: skip
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()
