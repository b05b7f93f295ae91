"""Derivatives in forward mode, and Hessian-vector products both ways: forward over reverse, reverse over reverse."""

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES
from trees import named_weights, restored

QUICK = {"invertible_conv"}
TOLERANCE = {"float64": 1e-6, "float32": 2e-3}


def _params():
    for case in CASES:
        for mode in ("graph", "eager", "xla"):
            for dtype in ("float64", "float32"):
                quick = mode == "graph" and dtype == "float64" and case.name in QUICK
                name = f"{case}-{mode}-{dtype}"
                yield pytest.param(case, mode, dtype, id=name, marks=() if quick else pytest.mark.slow)


def _value(case, bijector, kwargs, direction):
    """A scalar of the values and log-dets of a batch."""

    def value(x):
        log_det = getattr(bijector, f"{direction}_log_det_jacobian")(x, case.ndims, **kwargs)
        return tf.reduce_sum(log_det) + tf.reduce_sum(tf.sin(getattr(bijector, direction)(tf.identity(x), **kwargs)))

    return value


def _score(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x, unconnected_gradients="zero")


def _along(function, x, direction):
    with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
        value = function(x)
    return accumulator.jvp(value, unconnected_gradients="zero")


def _difference(function, x, direction, step=1e-5):
    """Of order 4: pixels up to 256 have fifth derivatives that matter beside second ones."""
    near, far = (function(x + h * direction) - function(x - h * direction) for h in (step, 2 * step))
    return (8 * near - far) / (12 * step)


@pytest.fixture
def exact(case, dtype):
    """The shared bijector in float64, with the weights of the one in a dtype, which were drawn otherwise."""
    with restored(case.shared("float64")) as exact:
        weights = (named_weights(each, trainable=False).values() for each in (exact, case.shared(dtype)))
        for mine, other in zip(*weights, strict=True):
            mine.assign(tf.cast(other, mine.dtype))
        yield exact


@pytest.mark.parametrize("case, mode, dtype", _params())
def test_agrees_with_differences(case, mode, dtype, exact):
    bijector = case.shared(dtype)
    for interval, way in (("domain", "forward"), ("image", "inverse")):
        x = case.inputs((2,), "float64", interval=interval)
        direction = tf.constant(np.random.default_rng(1).normal(size=x.shape))
        function = _value(case, bijector, case.kwargs(bijector, (2,), dtype), way)
        reference = _value(case, exact, case.kwargs(exact, (2,), "float64"), way)

        def derivatives(x, direction, function=function):
            slope = _along(function, x, direction)
            forward = _along(lambda x: _score(function, x), x, direction)
            return slope, forward, _score(lambda x: tf.reduce_sum(_score(function, x) * direction), x)

        if mode != "eager":
            derivatives = tf.function(derivatives, autograph=False, jit_compile=mode == "xla")
        expected = tf.reduce_sum(_score(reference, x) * direction)
        product = _difference(lambda x, reference=reference: _score(reference, x), x, direction)
        found = derivatives(tf.cast(x, dtype), tf.cast(direction, dtype))
        options = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
        for each, right in zip(found, (expected, product, product), strict=True):
            np.testing.assert_allclose(each, right, **options)


@pytest.mark.parametrize("name", ["sylvester_orthogonal", "sylvester_context"])
def test_sylvester_in_a_graph_is_sylvester_in_float64(name):
    case = next(each for each in CASES if each.name == name)
    bijector, x = case.shared("float64"), case.inputs((2,), "float64")
    value = _value(case, bijector, case.kwargs(bijector, (2,), "float64"), "forward")
    np.testing.assert_allclose(tf.function(value, autograph=False)(x), value(x), rtol=1e-12)


def test_a_loop_in_a_graph_has_derivatives_in_forward_mode():
    case = next(each for each in CASES if each.name == "masked_autoregressive")
    bijector, x = case.shared("float64"), case.inputs((2,), "float64")
    value = _value(case, bijector, {}, "forward")
    slope = tf.function(lambda x: _along(value, x, tf.ones_like(x)), autograph=False)(x)
    np.testing.assert_allclose(slope, tf.reduce_sum(_score(value, x)), rtol=1e-9)
