"""A gradient that is not finite stops training with the weights of before, and its layer and example are named."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.callbacks import NanGuard
from tfflows.joint import KerasBijector
from tfflows.layers import CouplingPosterior
from tfflows.models import FlowModel, VariationalAutoencoder

tfb, tfd = tfp.bijectors, tfp.distributions


def root(x):
    """As good as 0; the gradient is NaN where `x` is above 5."""
    return 1e-30 * tf.sqrt((5.0 - x) * tf.cast(x < 5.0, x.dtype))


class Rooted(KerasBijector):
    """The identity."""

    def __init__(self, name="rooted"):
        super().__init__(forward_min_event_ndims=1, parameters=dict(locals()))

    def forward_and_log_det(self, x, context=None):
        return x + root(x), tf.zeros(tf.shape(x)[:-1], x.dtype)

    inverse_and_log_det = forward_and_log_det


def flow():
    nets = [networks.MLP(2, hidden_units=(4,), seed=i) for i in range(2)]
    names = ("before", "after")
    couplings = [bijectors.AffineCoupling([1, 0], net, name=name) for net, name in zip(nets, names)]
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [2])
    return FlowModel(tfd.TransformedDistribution(base, bijectors.Chain([couplings[0], Rooted(), couplings[1]])))


PARTS = ("encoder", "decoder")
GOOD = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
BAD = np.where(np.arange(32)[:, None] == 21, 6.0, GOOD).astype("float32")


def stops(model, good, bad, match, **options):
    """Training is refused with these words, and leaves weights and optimizer as they were after the last good step."""
    model.fit(*good, epochs=1, verbose=0, callbacks=[NanGuard()], **options)
    before = [v.numpy() for v in (*model.weights, *model.optimizer.variables)]
    with pytest.raises(ValueError, match=match):
        model.fit(*bad, epochs=1, verbose=0, callbacks=NanGuard(), **options)
    after = [v.numpy() for v in (*model.weights, *model.optimizer.variables)]
    for new, old in zip(after, before, strict=True):
        np.testing.assert_array_equal(new, old)
    assert any(np.any(value) for value in after)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_flow_names_example_and_bijector(clip):
    """Also where clipping makes every gradient NaN."""
    model = flow()
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=clip))
    match = "A gradient is not finite: training stopped with the weights of before that step. Received: "
    match += "example 21, in the bijector 'rooted'" + (r" \(in all 8 weights" if clip else r" \(in 4 of 8 weights")
    stops(model, (GOOD,), (BAD,), match, batch_size=32, shuffle=False)


def test_without_it_the_weights_are_lost():
    """What it is for: `fit` alone sees only that the next loss is not finite."""
    model = flow()
    model.compile(keras.optimizers.Adam(1e-2), steps_per_execution=1)
    with pytest.raises(ValueError, match="The loss is not finite"):
        model.fit(BAD, epochs=3, verbose=0, batch_size=32)
    assert not all(np.isfinite(weight).all() for weight in model.get_weights())


def test_a_keras_model_with_a_flow_inside():
    """The root is behind the second layer: what comes before it is lost."""
    names = ("first", "second", "third")
    dense = [keras.layers.Dense(2, name=name, kernel_initializer="identity") for name in names]
    posterior = CouplingPosterior(2, num_flows=2, hidden_units=(4,), seed=0)
    hold = keras.layers.Lambda(lambda h: h + root(h))
    model = keras.Sequential([dense[0], posterior, dense[1], hold, dense[2]])
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    target = np.zeros([32, 2], "float32")
    model.build((None, 2))
    good, bad = GOOD, GOOD.copy()
    dense[1].bias.assign([-50.0, -50.0])
    bad[3] = 1e4
    match = "A gradient is not finite: .* in 14 of 16 weights, of first, .*, second; the last is .*/second/bias"
    stops(model, (good, target), (bad, target), match, batch_size=16, shuffle=False)  # in the first batch


def test_an_autoencoder():
    small = [keras.initializers.RandomNormal(stddev=0.1, seed=seed) for seed in range(2)]
    layers = [keras.layers.Dense(n, name=name, kernel_initializer=each) for n, name, each in zip((4, 2), PARTS, small)]
    decoder = keras.Sequential([layers[1], keras.layers.Lambda(lambda h: h + root(h))])
    vae = VariationalAutoencoder(
        layers[0], decoder, CouplingPosterior(2, num_flows=1, hidden_units=(4,), seed=0),
        likelihood=lambda h: tfd.MultivariateNormalDiag(h),
    )  # fmt: skip
    vae.compile("adam")
    vae.build((None, 2))
    vae.fit(GOOD, epochs=1, verbose=0, callbacks=[NanGuard()])
    layers[1].bias.assign([90.0, 90.0])
    before = vae.get_weights()
    with pytest.raises(
        ValueError, match="A gradient is not finite.* Received: NaN or infinite values in all 10 weights"
    ):
        vae.fit(GOOD, epochs=1, verbose=0, callbacks=[NanGuard()])
    for new, old in zip(vae.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)
