"""Score and Hessian of every model, against differences in float64."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import AffineCoupling
from tfflows.models import AutoregressiveFlow, Glow, NeuralSplineFlow, RealNVP, TransformerFlow
from tfflows.networks.causal_block import Normalisation

SMALL = {"num_layers": 2, "hidden_units": (4,), "activation": "tanh", "dtype": "float64", "seed": 1}


def _glow(**options):
    sizes = {"num_levels": 1, "steps_per_level": 2, "hidden_filters": 4}
    return Glow((4, 4, 1), **sizes, **options, dequantization=None, dtype="float64", seed=1)


MODELS = {
    "real_nvp": lambda: RealNVP((3,), **SMALL),
    "spline": lambda: NeuralSplineFlow((3,), bins=4, **SMALL),
    "autoregressive": lambda: AutoregressiveFlow((3,), **SMALL),
    "inverse_autoregressive": lambda: AutoregressiveFlow((2,), parallel="forward", **SMALL),
    "transformer": lambda: TransformerFlow(
        (4, 4, 1), num_classes=2, patch_size=2, num_flows=2, num_blocks=1, units=8, dequantization=None,
        dtype="float64", seed=1
    ),
    "glow": lambda: _glow(reversible=False),
    "reversible_glow": lambda: _glow(reversible=True),
}  # fmt: skip


SLOW = {"reversible_glow", "inverse_autoregressive"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in MODELS])
def test_score_and_hessian_are_those_of_differences(name):
    flow, rng = MODELS[name](), np.random.default_rng(0)
    for variable in flow.trainable_variables:
        variable.assign_add(0.1 * rng.normal(size=variable.shape))
    x = tf.constant(rng.normal(size=(2, *flow.event_shape)))
    context = tf.constant([0, 1]) if flow.conditional else None
    direction = tf.constant(rng.normal(size=x.shape))

    def value(x):
        return tf.reduce_sum(flow.log_prob(x, context))

    def derivatives(x):
        """The value, its slope, the score, and its derivative, along the direction."""
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                log_prob = value(x)
            score = inner.gradient(log_prob, x)
            slope = tf.reduce_sum(score * direction)
        return log_prob, slope, score, outer.gradient(slope, x)

    step = 1e-5
    _, slope, _, product = derivatives(x)
    up, down = (derivatives(x + sign * step * direction) for sign in (1, -1))
    assert float(slope) == pytest.approx(float(up[0] - down[0]) / (2 * step), rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(product, (up[2] - down[2]) / (2 * step), rtol=1e-6, atol=1e-6)


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
