"""Planar flows: the formula, and no parameters that break them."""

import numpy as np
import pytest
import tensorflow as tf
from adversarial import assert_never_breaks

from tfflows.bijectors import Planar
from tfflows.networks import MLP, ContextLinear

every_activation = pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])


def planar(u, w, b, **options):
    flow = Planar(len(u), dtype="float64", **options)
    for name, value in {"u": u, "w": w, "b": b}.items():
        getattr(flow, name).assign(value)
    return flow


def test_is_the_papers_formula_where_nothing_must_be_done():
    u, w, b = np.array([0.5, 0.3, -0.2]), np.array([1.0, 0.2, 0.4]), 0.3
    shortened_u, shortened_w = (v / np.sqrt(1 + v @ v / 900) for v in (u, w))
    x = np.random.default_rng(0).normal(size=(5, 3))
    a = x @ shortened_w + b
    y = x + np.tanh(a)[:, None] * shortened_u
    flow = planar(u, w, b)
    np.testing.assert_allclose(flow.forward(x), y, rtol=1e-13)
    log_det = np.log(np.abs(1 + (shortened_w @ shortened_u) / np.cosh(a) ** 2))  # the matrix determinant lemma
    np.testing.assert_allclose(flow.forward_log_det_jacobian(x, 1), log_det, rtol=1e-12)


@every_activation
def test_inner_product_stays_above_minus_one(activation):
    for s in (-1e-6, -0.5, -1.0, -3.0, -100.0):
        flow = planar([s, 0.7], [1.0, 0.0], 0.0, activation=activation)
        u, w, _, slope = flow._u_w_b_and_slope(tf.zeros([1, 2], "float64"), None)
        assert float(slope) == pytest.approx(float(tf.reduce_sum(u * w)), abs=1e-12)
        assert -1 < float(slope) < 0
        across = 0.7 / np.sqrt(1 + (s**2 + 0.49) / 900)
        assert float(u[1]) == pytest.approx(across)  # only moved along w


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 5])
def test_no_parameters_break_it(activation, dtype, size):
    assert_never_breaks(
        lambda net: Planar(size, activation=activation, conditioner=net, dtype=dtype), 2 * size + 1, size, dtype
    )


@every_activation
def test_opposite_vectors_of_any_length(activation):
    for length in 10.0 ** np.arange(-30, 5):
        flow = planar([-length, 0.0], [length, 0.0], 0.0, activation=activation)
        x = np.random.default_rng(0).normal(size=(20, 2))
        y = flow.forward(x)
        np.testing.assert_allclose(flow.inverse(tf.identity(y)), x, atol=1e-9)
        assert np.isfinite(flow.forward_log_det_jacobian(x, 1)).all()


def test_starts_as_the_identity_and_learns():
    flow, x = Planar(3, seed=1), tf.ones([4, 3])
    np.testing.assert_array_equal(flow.forward(x), x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(flow.forward(tf.identity(x)) ** 2)
    assert np.abs(tape.gradient(loss, flow.u.value)).max() > 0.1


def test_the_seed_decides():
    same = [Planar(3, seed=4).w.numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)
    flow = Planar(3, seed=4)
    (weight, value), = flow.fresh_weights(5)  # fmt: skip
    assert weight is flow.w
    np.testing.assert_array_equal(value, Planar(3, seed=5).w.numpy())


def test_every_example_has_its_own_parameters():
    net = MLP(7, hidden_units=(8,), zero_init=False, seed=1)
    net.build((None, 2))
    flow = Planar(3, conditioner=net, seed=2)
    x, context = tf.ones([2, 3]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    y = flow.forward(x, context=context)
    assert np.abs(y[0] - y[1]).max() > 1e-3
    for i in range(2):
        np.testing.assert_allclose(flow.forward(x[i], context=context[i]), y[i], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event_size": 0}, "`event_size` must be an integer of at least 1. Received: 0"),
        ({"event_size": 2.0}, "`event_size` must be an integer of at least 1. Received: 2.0"),
        ({"activation": "relu"}, "one of .'tanh', 'leaky_relu'.. Received: 'relu'"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        Planar(**{"event_size": 2, **options})


def test_bad_conditioners():
    flow = Planar(2, conditioner=ContextLinear(5, context_size=3))
    with pytest.raises(ValueError, match="needs a `context`. Received: None"):
        flow.forward(tf.ones([4, 2]))
    flow = Planar(2, conditioner=ContextLinear(4, context_size=3))
    with pytest.raises(ValueError, match=r"must return 5 values on its last axis. Received: shape \(4, 4\)"):
        flow.forward(tf.ones([4, 2]), context=tf.ones([4, 3]))
    with pytest.raises(ValueError, match="needs a built layer"):
        Planar(2, conditioner=MLP(5))
