"""What second derivatives stand on, normalisation; those of the models are in `conformance/models`."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import AffineCoupling
from tfflows.networks.causal_block import Normalisation


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_normalisation_is_kerass_to_the_bit(dtype):
    ours = Normalisation(dtype=dtype)
    theirs = keras.layers.LayerNormalization(center=False, scale=False, epsilon=1e-5, dtype=dtype)
    x = tf.constant(3 + 2 * np.random.default_rng(0).normal(size=(64, 24)), ours.compute_dtype)
    np.testing.assert_array_equal(ours(x), theirs(x))


def _coupling(normalisation):
    net = keras.Sequential([keras.layers.Dense(4), normalisation, keras.layers.Dense(2)])
    net.build((None, 1))
    return AffineCoupling([1, 0], net)


def _hessian(bijector, x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            log_det = bijector.inverse_log_det_jacobian(x, 1)
        slope = inner.gradient(log_det, x)
    return outer.gradient(slope, x)


@pytest.mark.parametrize("kind", ["LayerNormalization", "GroupNormalization"])
def test_a_layer_with_wrong_second_derivatives_is_named_once(kind):
    layer = getattr(keras.layers, kind)(**({"groups": 2} if kind.startswith("Group") else {}), name="held")
    bijector, x = _coupling(layer), tf.ones([2, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_det = bijector.inverse_log_det_jacobian(x, 1)
        tape.gradient(log_det, x)
    with pytest.warns(UserWarning, match="Second derivatives through held of affine_coupling are wrong"):
        _hessian(bijector, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _hessian(bijector, x)
        _hessian(_coupling(keras.layers.RMSNormalization()), x)
