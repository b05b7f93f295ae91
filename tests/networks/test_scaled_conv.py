"""The convolution of Glow's networks against a plain one."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.networks import ConvNet
from tfflows.networks.scaled_conv import ScaledConv2D


@pytest.mark.parametrize("zero_init, scale", [(False, 1.0), (True, 0.1)])
def test_scale_at_the_start(zero_init, scale):
    """A kernel that is moved by `d` moves the output by `scale * d * x`."""
    layer = ScaledConv2D(2, 1, zero_init=zero_init, seed=0)
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 4, 5)), tf.float32)
    before = layer(x)
    layer.kernel.assign_add(0.5 * tf.ones_like(layer.kernel.value))
    expected = 0.5 * scale * tf.reduce_sum(x, -1, keepdims=True) * tf.ones([2])
    np.testing.assert_allclose(layer(x) - before, expected, atol=1e-5)
    assert not zero_init or not np.any(before)


def test_convolves_a_padded_image_that_has_its_border_as_a_channel():
    layer = ScaledConv2D(3, 3, seed=1)
    x = np.random.default_rng(1).normal(size=(2, 5, 6, 2)).astype("float32")
    layer(x)
    rng = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    kernel, edge, bias, log_scale = layer.kernel, layer.edge_kernel, layer.bias, layer.log_scale
    padded = np.ones([2, 7, 8, 3], "float32")
    padded[..., :2] = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    padded[:, 1:-1, 1:-1, 2] = 0
    plain = tf.nn.conv2d(padded, tf.concat([kernel, edge], axis=2), 1, "VALID")
    np.testing.assert_allclose(layer(x), np.exp(3 * log_scale) * (plain + bias), rtol=1e-4, atol=1e-4)


def test_adapt_gives_hidden_outputs_mean_0_and_variance_1_once():
    layer = ScaledConv2D(4, 3, seed=0)
    x = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, size=(50, 6, 6, 2)), tf.float32)
    layer(x)
    y = layer.adapt(x).numpy()
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-4)


def test_a_network_of_such_layers_starts_at_0_and_sends_a_gradient_to_its_last_layer():
    network = ConvNet(4, hidden_filters=(6, 6), seed=0)
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 4, 3)), tf.float32)
    with tf.GradientTape() as tape:
        y = network(x)
        loss = tf.reduce_sum(y * x[..., :1])
    assert not np.any(y)
    assert np.any(tape.gradient(loss, network.last.kernel.value))
