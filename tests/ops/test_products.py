"""Products keep float32's digits where a device multiplies in TensorFloat-32, which is emulated here."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import InvertibleConv, LULinear
from tfflows.ops import products

plain_matmul = tf.matmul


def rounded(x):
    """Float32 with the 11 significant binary digits that TensorFloat-32 multiplies, rounded to nearest."""
    bits = np.asarray(x, np.float32).view(np.int32)
    return ((bits + (1 << 12)) & -(1 << 13)).view(np.float32)


def rounding_matmul(a, b, **options):
    if a.dtype == tf.float32:
        a, b = (tf.numpy_function(rounded, [each], tf.float32) for each in (a, b))
    return plain_matmul(a, b, **options)


@pytest.fixture
def tensor_float(monkeypatch):
    """A device that rounds the factors of float32 products."""
    monkeypatch.setattr(products, "_rounded", lambda: True)
    monkeypatch.setattr(tf, "matmul", rounding_matmul)


@pytest.mark.parametrize("options", [{}, {"transpose_a": True}, {"transpose_b": True}])
def test_digits_are_kept(tensor_float, options):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 40, 40)).astype("float32")
    exact = plain_matmul(a.astype("float64"), b.astype("float64"), **options).numpy()
    error = [
        np.abs(product(tf.constant(a), tf.constant(b), **options) - exact).max() / np.abs(exact).max()
        for product in (products.matmul, rounding_matmul)
    ]
    assert error[0] < 1e-6 and error[1] > 1e-4


def test_gradients_are_those_of_a_product(monkeypatch):
    monkeypatch.setattr(products, "_rounded", lambda: True)
    rng = np.random.default_rng(1)
    a, b = (tf.constant(each) for each in rng.normal(size=(2, 8, 8)).astype("float32"))
    gradients = []
    for product in (products.matmul, tf.matmul):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            y = tf.reduce_sum(tf.sin(product(a, b)))
        gradients.append(tape.gradient(y, [a, b]))
    np.testing.assert_allclose(*(np.stack(each) for each in gradients), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("batch", [(), (4,)])
def test_matvec_is_tensorflows(transpose, batch):
    rng = np.random.default_rng(2)
    matrix, vector = rng.normal(size=(*batch, 5, 5)), rng.normal(size=(2, 4, 5))
    expected = tf.linalg.matvec(np.broadcast_to(matrix, (2, 4, 5, 5)), vector, transpose_a=transpose)
    np.testing.assert_allclose(products.matvec(tf.constant(matrix), tf.constant(vector), transpose=transpose), expected)


def test_float64_and_devices_that_do_not_round_are_left_alone(monkeypatch):
    assert not products._rounded() or tf.config.list_physical_devices("GPU")
    monkeypatch.setattr(products, "_split", None)
    x = tf.eye(3)
    assert np.array_equal(products.matmul(x, x), x)
    monkeypatch.setattr(products, "_rounded", lambda: True)
    x = tf.eye(3, dtype=tf.float64)
    assert np.array_equal(products.matmul(x, x), x)


@pytest.mark.parametrize("make", [lambda: InvertibleConv([4, 4, 12], seed=0), lambda: LULinear(12)])
def test_mixings_undo_themselves_on_such_a_device(tensor_float, make):
    bijector, rng = make(), np.random.default_rng(3)
    bijector.factors.assign_add(0.1 * rng.normal(size=(12, 12)))
    x = rng.normal(size=(8, *bijector.inverse_event_shape([4, 4, 12])[:-1], 12)).astype("float32")
    back = bijector.forward(tf.identity(bijector.inverse(x)))
    assert np.abs(back - x).max() < 1e-5
