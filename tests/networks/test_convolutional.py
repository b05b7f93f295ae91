"""Convolutional conditioners: their formula, their start, their normalization, their context."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.networks import ContextLinear, ConvNet, ConvResNet, ScaledConv2D
from tfflows.ops import spatial


def images(n=4, size=5, channels=3, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(n, size, size, channels)), tf.float32)


def shaken(layer, x, by=0.2):
    layer(x)
    rng = np.random.default_rng(3)
    for weight in layer.trainable_variables:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return layer


NETS = {
    "conv_net": lambda **options: ConvNet(4, hidden_filters=(6, 6), seed=1, **options),
    "one_conv": lambda **options: ConvNet(4, hidden_filters=(), seed=1, **options),
    "conv_resnet": lambda **options: ConvResNet(4, hidden_filters=6, num_blocks=2, seed=1, **options),
}
every_net = pytest.mark.parametrize("kind", NETS)


def test_border_windows():
    windows = spatial.border_windows((2, 3), 3).reshape(2, 3, 3, 3)
    np.testing.assert_array_equal(windows[0, 0], [[1, 1, 1], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(windows[1, 1], [[0, 0, 0], [0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(windows[1, 2], [[0, 0, 1], [0, 0, 1], [1, 1, 1]])


def test_scaled_conv_is_a_convolution_of_the_image_with_its_border_as_one_more_channel():
    layer, x = ScaledConv2D(4, 3, seed=0), images()
    shaken(layer, x)
    around = [[0, 0], [1, 1], [1, 1], [0, 0]]
    padded = tf.concat([tf.pad(x, around), tf.pad(tf.zeros([4, 5, 5, 1]), around, constant_values=1.0)], axis=-1)
    kernel = tf.concat([layer.kernel.value, layer.edge_kernel.value], axis=2)
    expected = (tf.nn.conv2d(padded, kernel, 1, "VALID") + layer.bias.value) * tf.exp(3.0 * layer.log_scale.value)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3])
def test_scaled_conv_adapts_to_unit_variance(size):
    layer, x = ScaledConv2D(6, size, seed=0), 5.0 + 3.0 * images(64)
    shaken(layer, x, by=0.05)
    y = layer.adapt(x).numpy()
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0.0, atol=1e-3)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1.0, atol=1e-3)


@pytest.mark.parametrize("zero_init, scale", [(False, 1.0), (True, 0.1)])
def test_scaled_conv_starts_with_that_scale(zero_init, scale):
    """A kernel that is moved by `d` in every entry moves the output by `scale * d * sum(x)`."""
    layer, x = ScaledConv2D(4, 1, zero_init=zero_init, seed=0), images()
    before = layer(x)
    layer.kernel.assign_add(0.5 * tf.ones_like(layer.kernel.value))
    expected = 0.5 * scale * tf.repeat(tf.reduce_sum(x, -1, keepdims=True), 4, axis=-1)
    np.testing.assert_allclose(layer(x) - before, expected, atol=1e-5)


@every_net
def test_starts_at_zero_whatever_the_context(kind):
    np.testing.assert_array_equal(NETS[kind]()(images()), np.zeros([4, 5, 5, 4]))
    if kind != "one_conv":
        return
    net = NETS[kind](num_classes=3)
    np.testing.assert_array_equal(net([images(), tf.constant([0, 1, 2, 0])]), np.zeros([4, 5, 5, 4]))


@every_net
@pytest.mark.parametrize("context", ["vector", "class", "image"])
def test_context_moves_the_output(kind, context):
    options = {"num_classes": 3} if context == "class" else {"context_size": 2}
    net = NETS[kind](**options, spatial_context=context == "image")
    rng = np.random.default_rng(0)
    if context == "class":
        contexts = [tf.constant([k, 1, 2, 0]) for k in (0, 2)]
    else:
        shape = (4, 2) if context == "vector" else (4, 5, 5, 2)
        contexts = [tf.constant(rng.normal(size=shape), tf.float32) for _ in range(2)]
    net([images(), contexts[0]])
    shaken(net, [images(), contexts[0]])
    first, second = (net([images(), each]) for each in contexts)
    assert first.shape == (4, 5, 5, 4)
    assert np.abs(first[0] - second[0]).max() > 1e-3


@every_net
def test_adapts_once_and_remembers(kind):
    net = NETS[kind]()
    net(images())
    assert not net.adapted
    net.adapt(images(32))
    assert net.adapted
    weights = net.get_weights()
    net.adapt(10.0 * images(32, seed=1))
    for before, after in zip(weights, net.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@every_net
@pytest.mark.parametrize("options", [{}, {"context_size": 2, "spatial_context": True}, {"num_classes": 3}], ids=str)
def test_config_round_trip(kind, options):
    net = NETS[kind](**options)
    given = images()
    if options:
        given = [given, tf.constant([0, 1, 2, 0]) if "num_classes" in options else images(channels=2)]
    shaken(net, given)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(net))
    assert twin.get_config() == net.get_config()
    twin(given)
    twin.set_weights(net.get_weights())
    np.testing.assert_array_equal(twin(given), net(given))


@every_net
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_computes_in_the_policy_s_dtype(kind, policy):
    net = NETS[kind](dtype=policy)
    assert net(images()).dtype == (policy if policy == "float64" else policy.removeprefix("mixed_"))
    assert {v.dtype for v in net.trainable_variables} == {"float64" if policy == "float64" else "float32"}


def test_the_context_alone():
    layer = ContextLinear(3, num_classes=4)
    layer.kernel.assign(np.arange(12.0).reshape(4, 3))
    np.testing.assert_array_equal(layer(tf.constant([[2], [0]])), [[[6, 7, 8]], [[0, 1, 2]]])
    layer = ContextLinear(2, context_size=2)
    layer.kernel.assign([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(layer(tf.constant([[1.0, 1.0]])), [[4.0, 6.0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScaledConv2D(0), "`filters` must be an integer of at least 1. Received: 0"),
        (lambda: ScaledConv2D(3, 2), "`kernel_size` must be an odd integer. Received: 2"),
        (lambda: ConvNet(0), "`filters` must be an integer of at least 1"),
        (lambda: ConvNet(3, hidden_filters=(4, 0)), "`hidden_filters` must be integers of at least 1"),
        (lambda: ConvResNet(3, num_blocks=0), "`num_blocks` must be an integer of at least 1"),
        (lambda: ConvNet(3, spatial_context=True), "`spatial_context` needs a `context_size`"),
        (lambda: ConvNet(3, context_size=2, num_classes=3), "either a vector"),
        (lambda: ConvNet(3, context_size=2)(images()), "expects the pair"),
        (lambda: ConvNet(3)([images(), images()]), "expects one tensor"),
        (lambda: ConvNet(3, context_size=2)([images(), tf.zeros([4, 3])]), "last axis 2. Received"),
        (lambda: ContextLinear(3), "is needed. Received: neither"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
