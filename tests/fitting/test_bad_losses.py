"""A loss that is not finite stops `fit` at that step, with its example and layer, and leaves the weights of before."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import FlowModel

tfb, tfd = tfp.bijectors, tfp.distributions


def flow():
    links = [bijectors.ActNorm([2], name="norm")]
    for i in range(2):
        net = networks.MLP(2, hidden_units=(4,), seed=i)
        links.append(bijectors.AffineCoupling([i == 0, i == 1], net, log_scale_bound="none", name=f"coupling_{i}"))
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [2])
    return FlowModel(tfd.TransformedDistribution(base, bijectors.Chain(links)))


def exploding():
    """The second layer overflows for an entry of 50 or more, the first as it is."""
    model = flow()
    model.adapt(np.random.default_rng(0).normal(size=(100, 2)).astype("float32"))
    kernels = [w for w in model.bijector.bijectors[2].conditioner.weights if "kernel" in w.path]
    for weight, value in zip(kernels, (2.0, -2.0), strict=True):
        weight.assign(tf.fill(weight.shape, value))
    return model


@pytest.mark.parametrize("as_stream, options", [(False, {}), (False, {"run_eagerly": True}), (True, {})])
def test_stops_at_the_step_with_example_layer_and_weights_of_before(as_stream, options):
    model = exploding()
    x = np.zeros([64, 2], "float32") - 1.0
    x[37] = 80.0
    model.compile(keras.optimizers.SGD(0.0), **options)
    before = model.get_weights()
    data = tf.data.Dataset.from_tensor_slices(x).batch(16) if as_stream else x
    with pytest.raises(ValueError, match="of before that step. Received: example 37, in the bijector 'coupling_1'"):
        model.fit(data, batch_size=16, shuffle=False, verbose=0)
    for new, old in zip(model.get_weights(), before):
        np.testing.assert_array_equal(new, old)


def test_evaluation_says_what_the_density_says():
    model = exploding()
    model.compile("sgd")
    assert not np.isfinite(model.evaluate(np.float32([[80.0, 80.0]]), verbose=0))
