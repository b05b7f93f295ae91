"""Steps that cannot be repeated, and inputs of the wrong kind, are refused by name."""

import keras
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from repeated_steps import vector

from tfflows.bijectors import ActNorm, AffineCoupling, Chain, Permutation, Repeated
from tfflows.joint import KerasBijector
from tfflows.networks import MLP
from tfflows.ops import masks

tfb = tfp.bijectors


def _with(layer):
    net = keras.Sequential([keras.layers.Dense(8), layer, keras.layers.Dense(4)])
    return AffineCoupling(masks.half(4), net)


class _Widening(KerasBijector):
    def __init__(self):
        super().__init__(forward_min_event_ndims=1, parameters=dict(locals()))

    def forward_and_log_det(self, x, context=None):
        return tf.concat([x, x], -1), tf.zeros(tf.shape(x)[:-1])

    inverse_and_log_det = forward_and_log_det


BAD_STEPS = {
    "none": (lambda: Repeated([]), ValueError, "at least one step.*Received: 0 steps"),
    "no_bijector": (lambda: Repeated([keras.layers.Dense(2)]), TypeError, "must be a tfp.bijectors.Bijector. Received"),
    "no_number": (lambda: Repeated(vector(0)), ValueError, "`num_repeats`, an integer of at least 1. Received: None"),
    "zero": (lambda: Repeated(vector(0), 0), ValueError, "at least 1. Received: 0"),
    "another_number": (lambda: Repeated([vector(0)], 2), ValueError, "Received: 1 steps and num_repeats=2"),
    "checkpoint": (lambda: Repeated(vector(0), 2, checkpoint_every=0), ValueError, "at least 1. Received: 0"),
    "seed": (lambda: Repeated([vector(0)], seed=1), ValueError, "for one step. Received: 1"),
    "another_order": (
        lambda: Repeated([Chain([ActNorm((2,)), Permutation(order)]) for order in ([1, 0], [0, 1])]),
        ValueError,
        r"steps 0 and 1 differ in parameters.bijectors\[1\].parameters.permutation\[0\]: 1 and 0",
    ),
    "another_width": (
        lambda: Repeated([AffineCoupling(masks.half(4), MLP(4, hidden_units=(n,))) for n in (8, 8, 9)]),
        ValueError,
        r"steps 0 and 2 differ in parameters.conditioner.layer.config.hidden_units\[0\]: 8 and 9",
    ),
    "another_class": (
        lambda: Repeated([ActNorm((2,)), Permutation([1, 0])]),
        ValueError,
        "steps 0 and 1 differ in .*ActNorm.* and .*Permutation",
    ),
    "shared": (lambda: Repeated([step := vector(0), step]), ValueError, "weights of its own. Received: steps that sh"),
    "raw": (
        lambda: Repeated(Chain([tfb.Shift(tf.Variable([1.0], name="raw_shift"))]), 2),
        ValueError,
        r"must be Keras weights.*Received: tf.Variables \['raw_shift",
    ),
    "dropout": (lambda: Repeated(_with(keras.layers.Dropout(0.1)), 2), ValueError, "not be random.*Received: Dropout"),
    "batchnorm": (lambda: Repeated(_with(keras.layers.BatchNormalization()), 2), ValueError, "Received: BatchNorm"),
    "constraint": (
        lambda: Repeated(_with(keras.layers.Dense(8, kernel_constraint="unit_norm")), 2),
        ValueError,
        "no constraints. Received: .*kernel with None and",
    ),
    "rank": (lambda: Repeated(tfb.Reshape([2, 2], [4]), 2), ValueError, "keep the shape.*event rank 2 becomes 1|rank"),
    "shape": (lambda: Repeated(_Widening(), 2).forward(tf.zeros([3, 4])), ValueError, r"float32 \(3, 4\) becomes .*8"),
}


@pytest.mark.parametrize("name", BAD_STEPS)
def test_bad_steps_are_refused(name):
    make, error, message = BAD_STEPS[name]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("method", ["forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian"])
def test_bad_inputs_are_refused(method):
    loop = getattr(Repeated([vector(i) for i in range(2)]), method)
    with pytest.raises(ValueError, match=r"expects events of shape \(4,\). Received: shape \(5, 3\)"):
        loop(tf.zeros([5, 3]))
    with pytest.raises(ValueError, match="rank 1 or more. Received|rank at least 1. Saw: 0"):
        loop(tf.zeros([]))
    with pytest.raises(TypeError, match="works in float32 or float64. Received: dtype float16"):
        loop(tf.zeros([5, 4], "float16"))
