"""Sylvester flows: the formula, orthogonality, and no parameters that break them."""

import numpy as np
import pytest
import tensorflow as tf
from adversarial import assert_never_breaks

from tfflows.bijectors import Planar, Sylvester, sylvester
from tfflows.networks import ContextLinear

KINDS = {
    "orthogonal": {"kind": "orthogonal", "num_vectors": 2},
    "householder": {"kind": "householder", "num_vectors": 3},
    "triangular": {"kind": "triangular"},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def shaken(size, seed=0, by=0.7, **options):
    flow, rng = Sylvester(size, seed=seed, dtype="float64", **options), np.random.default_rng(seed)
    for weight in flow.weights:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return flow


def reflections(vectors):
    """The product of Householder reflections, one after another."""
    q = np.eye(vectors.shape[1])
    for v in vectors:
        q = q @ (np.eye(len(v)) - 2 * np.outer(v, v) / (v @ v))
    return q


def columns_of(flow):
    """`Q`, which is the projection's transpose too."""
    q = flow._parts(tf.float64, None)[0]
    columns = tf.transpose(q.expanded(tf.eye(flow.b.shape[0], dtype=tf.float64)))
    np.testing.assert_allclose(q.projected(tf.eye(len(columns), dtype=tf.float64)), columns, atol=1e-14)
    return columns.numpy()


@every_kind
@pytest.mark.parametrize("few", [16, 0], ids=["in_turn", "at_once"])
def test_is_the_papers_formula(kind, few, monkeypatch):
    monkeypatch.setattr(sylvester, "_FEW", few)
    size = 4
    flow, x = shaken(size, **KINDS[kind]), np.random.default_rng(1).normal(size=(6, size))
    raw, rank = flow.triangles.numpy(), flow.b.shape[0]
    q = np.eye(size) if kind == "triangular" else reflections(flow.vectors.numpy())[:, :rank]
    bounded = 3 * np.tanh(raw / 3)
    r = np.triu(bounded, 1) + np.diag(np.sqrt(0.99) * np.tanh(np.diag(raw)))
    r_tilde = np.triu(bounded.T, 1) + np.diag(np.sqrt(0.99) * np.tanh(flow.diagonal.numpy()))
    a = x @ q @ r_tilde.T + flow.b.numpy()
    np.testing.assert_allclose(flow.forward(x), x + np.tanh(a) @ r.T @ q.T, rtol=1e-11, atol=1e-12)
    for i in range(6):  # Sylvester's identity: a determinant of rank x rank
        small = np.eye(rank) + np.diag(1 / np.cosh(a[i]) ** 2) @ r_tilde @ r
        log_det = flow.forward_log_det_jacobian(x[i], 1)
        np.testing.assert_allclose(log_det, np.linalg.slogdet(small)[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["orthogonal", "householder"])
@pytest.mark.parametrize("size", [1e-10, 1.0, 1e4])
@pytest.mark.parametrize("few", [16, 0], ids=["in_turn", "at_once"])
def test_columns_are_orthonormal_whatever_the_vectors(kind, size, few, monkeypatch):
    monkeypatch.setattr(sylvester, "_FEW", few)
    flow = Sylvester(6, kind=kind, num_vectors=4, dtype="float64")
    rows, sizes = np.random.default_rng(0).normal(size=(4, 6)), np.array([[1], [1e-20], [0], [1]])
    for vectors in (rows, np.ones((4, 6)), np.zeros((4, 6)), rows * sizes, np.eye(4, 6)):
        flow.vectors.assign(size * vectors)
        q = columns_of(flow)
        np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-14)


def test_the_orthogonal_kind_reaches_any_columns():
    """A subspace is reached by as many reflections as it has dimensions: those of a QR decomposition."""
    target = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2)))[0]
    flow, rest, vectors = Sylvester(5, num_vectors=2, dtype="float64"), target.copy(), []
    for k in range(2):
        v = rest[:, k].copy()
        v[:k] = 0.0
        v[k] += np.sign(v[k]) * np.linalg.norm(v)
        vectors.append(v)
        rest = rest - 2 * np.outer(v, v @ rest) / (v @ v)
    flow.vectors.assign(np.stack(vectors))
    q = columns_of(flow)
    np.testing.assert_allclose(np.abs(np.sum(q * target, axis=0)), 1.0, rtol=1e-12)  # up to signs


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_parameters_break_it(kind, dtype):
    num_raw = Sylvester.num_raw(3, **KINDS[kind])
    assert_never_breaks(lambda net: Sylvester(3, conditioner=net, dtype=dtype, **KINDS[kind]), num_raw, 3, dtype)


@every_kind
def test_inverse_of_a_larger_one(kind):
    options = {**KINDS[kind], **({} if kind == "triangular" else {"num_vectors": 8})}
    flow, x = shaken(16, by=0.4, **options), np.random.default_rng(1).normal(size=(50, 16))
    y = tf.identity(flow.forward(x))
    np.testing.assert_allclose(flow.inverse(y), x, atol=1e-9)


def test_of_one_vector_it_is_planar():
    flow, planar, x = Sylvester(3, num_vectors=1, dtype="float64"), Planar(3, dtype="float64"), np.eye(3)
    flow.triangles.assign([[0.4]])
    flow.b.assign([0.2])
    q, (_, r, _) = columns_of(flow), flow._parts(tf.float64, None)
    for weight, value in ((planar.u, q[:, 0] * r._first), (planar.w, q[:, 0] * r._second)):
        length = float(tf.norm(value))
        weight.assign(tf.reshape(value, [3]) / np.sqrt(1 - length**2 / 900))  # what Planar shortens to the value
    planar.b.assign(0.2)
    np.testing.assert_allclose(planar.forward(x), flow.forward(x), rtol=1e-12)
    log_det = flow.forward_log_det_jacobian(x, 1)
    np.testing.assert_allclose(planar.forward_log_det_jacobian(x, 1), log_det, rtol=1e-12)


@every_kind
def test_starts_as_the_identity_and_learns(kind):
    flow, x = Sylvester(4, seed=1, **KINDS[kind]), tf.constant(np.random.default_rng(0).normal(size=(5, 4)), "float32")
    np.testing.assert_array_equal(flow.forward(x), x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(flow.forward(tf.identity(x)) ** 2)
    assert np.abs(tape.gradient(loss, flow.triangles.value)).max() > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event_size": 0}, "`event_size` must be an integer of at least 1. Received: 0"),
        ({"kind": "diagonal"}, "`kind` must be one of .*Received: 'diagonal'"),
        ({"num_vectors": 5}, "at most the event size, 4. Received: 5"),
        ({"num_vectors": 0}, "`num_vectors` must be an integer of at least 1. Received: 0"),
        ({"kind": "triangular", "num_vectors": 2}, "has no vectors. Received: num_vectors=2"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        Sylvester(**{"event_size": 4, **options})


def test_a_conditioner_of_the_wrong_size():
    flow = Sylvester(4, num_vectors=2, conditioner=ContextLinear(3, context_size=2))
    with pytest.raises(ValueError, match=r"must return 16 values on its last axis. Received: shape \(5, 3\)"):
        flow.forward(tf.ones([5, 4]), context=tf.ones([5, 2]))
