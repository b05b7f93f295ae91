"""Many steps as one loop: the same numbers as the chain of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from repeated_steps import (
    STEPS,
    both,
    directions,
    image,
    inputs,
    per_step,
    relative,
    value_and_gradients,
    vector,
)

from tfflows.bijectors import AffineCoupling, Chain, Repeated
from tfflows.networks import MLP
from tfflows.ops import masks


def _assert_equal_to_the_chain(make, repeats, direction, x, context=None, tolerance=1e-5, **options):
    chain, loop = both(make, repeats, **options)
    if direction == "inverse":
        x = chain.forward_and_log_det(x, context=context)[0]
    values, gradients = value_and_gradients(loop, direction, x, context)
    wanted, wanted_gradients = value_and_gradients(chain, direction, x, context)
    errors = [relative(got, expected) for got, expected in zip(values, wanted, strict=True)]
    errors.append(relative(per_step(loop, gradients), per_step(chain, wanted_gradients)))
    assert max(errors) < tolerance, errors


# Two at a time leave a rest of five steps; one at a time, and all at once, run by default on one kind of step.
CASES = [
    pytest.param(name, every, marks=() if every in (2, None) or name == "vector" else pytest.mark.slow)
    for name in STEPS
    for every in (1, 2, 8, None)
]


@pytest.mark.parametrize(("name", "every"), CASES)
@directions
def test_equals_the_chain(name, direction, every):
    x, context = inputs(name)
    options = {"reversible": False} if every is None else {"checkpoint_every": every}
    _assert_equal_to_the_chain(STEPS[name][0], 5, direction, x, context, **options)


@pytest.mark.parametrize("direction", ["inverse", pytest.param("forward", marks=pytest.mark.slow)])
def test_64_steps_equal_the_chain(direction):
    x, _ = inputs("image")
    _assert_equal_to_the_chain(lambda i: image(i, scale=0.01), 64, direction, x)


def test_gradients_of_gradients():
    x, _ = inputs("vector")
    x = tf.cast(x, "float64")
    chain, loop = both(vector, 3, checkpoint_every=2)

    def penalty(bijector):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_mean(tf.sin(bijector.inverse_and_log_det(x)[1]))
            steepness = tf.reduce_sum(inner.gradient(value, x) ** 2)
        return outer.gradient(steepness, bijector.trainable_variables)

    got, expected = per_step(loop, penalty(loop)), per_step(chain, penalty(chain))
    assert relative(got, expected) < 1e-6


def test_mixed_precision_equals_the_chain_s():
    keras.config.set_dtype_policy("mixed_bfloat16")
    x, _ = inputs("vector")
    chain, loop = both(lambda i: vector(i, keras.config.dtype_policy()), 5, checkpoint_every=2)
    values, gradients = value_and_gradients(loop, "inverse", x)
    wanted, wanted_gradients = value_and_gradients(chain, "inverse", x)
    half_evaluated = loop.step.bijectors[2].conditioner.compute_dtype
    assert half_evaluated == "bfloat16" and relative(values[0], wanted[0]) < 0.02
    assert relative(per_step(loop, gradients), per_step(chain, wanted_gradients)) < 0.05


def test_one_step_with_its_number_of_repeats():
    step = vector(0)
    same, drawn, again = (Repeated(step, 3, seed=seed) for seed in (None, 5, 5))
    ones = {v.path.replace("/", "."): v.numpy() for v in step.weights}
    for weight, other, twin in zip(same.weights, drawn.weights, again.weights, strict=True):
        one = ones[weight.path.removeprefix("repeated/")]
        np.testing.assert_array_equal(weight, np.stack([one] * 3))
        np.testing.assert_array_equal(other, twin)
        if "kernel" not in weight.path:  # not random: biases, actnorm
            np.testing.assert_array_equal(weight, other)
        elif "dense_0" in weight.path:  # `vector` shrinks the other
            assert np.std(other) == pytest.approx(np.std(one), rel=0.3)
            assert min(np.std(other[0] - other[1]), np.std(other[1] - other[2]), np.std(other[2] - one)) > 0.1


def test_repeated_in_repeated():
    chain = Chain([Chain([vector(2 * i + j) for j in range(2)]) for i in range(3)])
    loop = Repeated([Repeated([vector(2 * i + j) for j in range(2)]) for i in range(3)])
    x, _ = inputs("vector")
    values, gradients = value_and_gradients(loop, "inverse", x)
    wanted, expected = value_and_gradients(chain, "inverse", x)
    for got, value in zip(values, wanted, strict=True):
        assert relative(got, value) < 1e-5
    total = [float(tf.linalg.global_norm(each)) for each in (gradients, expected)]
    assert total[0] == pytest.approx(total[1], rel=1e-5)


def test_steps_are_evaluated_with_the_weights_of_an_outer_scope():
    loop, x = Repeated([vector(i) for i in range(3)]), inputs("vector")[0]
    zeros = [(v, tf.zeros(v.shape, v.dtype)) for v in loop.weights if v.trainable]
    with keras.StatelessScope(state_mapping=zeros):
        y, log_det = loop.inverse_and_log_det(x)
    assert np.abs(log_det).max() == 0 and relative(loop.inverse(x), y) > 0.1


def test_regularizers_count_every_step():
    net = MLP(4, hidden_units=(8,), zero_init=False)
    for dense in net.dense:
        dense.kernel_regularizer = keras.regularizers.L2(0.1)
    loop = Repeated(AffineCoupling(masks.half(4), net), 3)
    expected = 3 * sum(0.1 * float(tf.reduce_sum(dense.kernel**2)) for dense in net.dense)
    assert float(sum(loop.keras_layers[0].losses)) == pytest.approx(expected, rel=1e-5)


def test_functional_conditioners_may_have_any_names():
    def step(i):
        inputs = keras.Input((2,))
        hidden = keras.layers.Dense(8, activation="tanh")(inputs)
        return AffineCoupling(masks.half(4), keras.Model(inputs, keras.layers.Dense(4)(hidden)))

    chain, loop = Chain(steps := [step(i) for i in range(3)]), Repeated(steps)
    x, _ = inputs("vector")
    np.testing.assert_allclose(loop.inverse(x), chain.inverse(x), rtol=1e-5, atol=1e-6)
