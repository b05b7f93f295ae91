"""Any batch: none, nested, empty, and unknown while a graph is traced."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, every_case, one_of_each_kind
from trees import modules

from tfflows.bijectors import Repeated
from tfflows.joint.weights import keras_layers_of
from tfflows.networks import ScaledConv2D

# TensorFlow's own convolution of an empty batch has as many channels as its input (oneDNN, CPU): no test of ours.
EMPTY_CONVOLUTION = tf.nn.conv2d(tf.zeros([0, 4, 4, 2]), tf.zeros([3, 3, 2, 6]), 1, "SAME").shape[-1] != 6
# Where there may be none of several axes, there may be one axis: that runs under slow.
BATCHES = [(), (2, 3), (0, 2), *(pytest.param(batch, marks=pytest.mark.slow) for batch in [(1,), (0,)])]


def _has_an_empty_convolution(case, batch, kinds=keras.layers.Conv2D):
    roots = [case.shared(), *(each.step for each in modules(case.shared()) if isinstance(each, Repeated))]
    layers = [layer for root in roots for each in keras_layers_of(root) for layer in each._flatten_layers()]
    return 0 in batch and EMPTY_CONVOLUTION and any(isinstance(layer, kinds) for layer in layers)


@every_case
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_values_and_log_dets(case, batch):
    if _has_an_empty_convolution(case, batch):
        pytest.skip("TensorFlow gives an empty convolution the wrong shape")
    bijector = case.shared()
    kwargs = case.kwargs(bijector, batch)
    x, y = case.inputs(batch), case.inputs(batch, interval="image")
    assert bijector.forward(x, **kwargs).shape == (*batch, *case.event_shape)
    assert bijector.inverse(y, **kwargs).shape == (*batch, *case.event_shape)
    assert bijector.forward_log_det_jacobian(tf.identity(x), case.ndims, **kwargs).shape == batch
    assert bijector.inverse_log_det_jacobian(tf.identity(y), case.ndims, **kwargs).shape == batch


@every_case
def test_nested_and_flat_batches_agree(case):
    bijector = case.shared()
    x = case.inputs((2, 3))
    nested = bijector.forward(x, **case.kwargs(bijector, (2, 3)))
    flat = bijector.forward(tf.reshape(x, (6, *case.event_shape)), **case.kwargs(bijector, (6,)))
    np.testing.assert_allclose(tf.reshape(nested, flat.shape), flat, rtol=1e-6, atol=1e-6 * np.abs(flat).max())


@every_case
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_sample_and_log_prob(case, batch):
    if _has_an_empty_convolution(case, batch):
        pytest.skip("TensorFlow gives an empty convolution the wrong shape")
    bijector = case.shared()
    kwargs, distribution = case.kwargs(bijector, batch), case.distribution(bijector)
    assert distribution.event_shape == case.event_shape and distribution.batch_shape == ()
    y = distribution.sample(batch, seed=(0, 1), bijector_kwargs=kwargs)
    assert y.shape == (*batch, *case.event_shape)
    assert distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs).shape == batch


@every_case
def test_one_context_for_many_events(case):
    bijector = case.shared()
    kwargs = case.kwargs(bijector, ())
    repeated = tf.nest.map_structure(lambda one: tf.repeat(one[None], 6, axis=0), kwargs)
    x = case.inputs((6,))
    broadcast, expected = bijector.forward(x, **kwargs), bijector.forward(tf.identity(x), **repeated)
    np.testing.assert_allclose(broadcast, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@one_of_each_kind(CASES)
def test_unknown_static_batch(case):
    empty = not _has_an_empty_convolution(case, (0,), (keras.layers.Conv2D, ScaledConv2D))
    bijector = case.shared()
    distribution = case.distribution(bijector)
    kwargs = case.kwargs(bijector, (5,))
    unknown = tf.nest.map_structure(lambda one: tf.TensorSpec([None, *one.shape[1:]], one.dtype), kwargs)

    @tf.function(input_signature=[tf.TensorSpec([None, *case.event_shape]), unknown])
    def all_of_it(y, kwargs):
        x = bijector.inverse(y, **kwargs)
        log_prob = distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs)
        return x, bijector.forward(tf.identity(x), **kwargs), log_prob

    for batch in (5, 2, *([0] if empty else [])):
        y, kwargs = case.inputs((batch,), interval="image"), case.kwargs(bijector, (batch,))
        x, back, log_prob = all_of_it(y, kwargs)
        assert x.shape == back.shape == (batch, *case.event_shape) and log_prob.shape == (batch,)
        expected = distribution.log_prob(tf.identity(y), bijector_kwargs=kwargs)
        np.testing.assert_allclose(log_prob, expected, rtol=1e-5, atol=1e-5)


@every_case
def test_event_shapes_are_known_without_data(case):
    bijector = case.shared()
    assert bijector.forward_event_shape(case.event_shape) == case.event_shape
    assert bijector.inverse_event_shape(case.event_shape) == case.event_shape
    assert list(bijector.forward_event_shape_tensor(list(case.event_shape))) == list(case.event_shape)
    assert list(bijector.inverse_event_shape_tensor(list(case.event_shape))) == list(case.event_shape)
