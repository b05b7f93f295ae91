"""A loss that is not finite stops `fit` at that step, with its example and layer, and leaves the weights of before."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.layers import GaussianPosterior
from tfflows.models import FlowModel, VariationalAutoencoder, VariationalFlow

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


XLA = {"jit_compile": True}
WAYS = [(False, {}), (False, {"run_eagerly": True}), (True, {}), (False, XLA)]


def fit_stops(model, data, match, **options):
    """Training is refused with these words, and leaves what is trained and the optimizer."""
    states = []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: states.append(state(model)))
    good, bad = data
    model.fit(good, epochs=1, verbose=0, callbacks=[keep], **options)
    with pytest.raises(ValueError, match=match):
        model.fit(bad, epochs=2, verbose=0, callbacks=keep, **options)
    assert len(states) == 1
    for new, old in zip(state(model), states[0], strict=True):
        assert np.isfinite(new).all()
        np.testing.assert_array_equal(new, old)
    model.fit(good, epochs=1, verbose=0, **options)  # goes on as if nothing had been


def state(model):
    kept = (*model.trainable_variables, *model.optimizer.variables)
    return [v.numpy() for v in kept if v.path != model.optimizer.iterations.path]  # which runs ahead in a graph


@pytest.mark.parametrize("as_stream, options", WAYS)
def test_stops_at_the_step_with_example_layer_and_weights_of_before(as_stream, options):
    model = exploding()
    good = np.zeros([32, 2], "float32") - 1.0
    bad = good.copy()
    bad[7] = 80.0
    model.compile(keras.optimizers.Adam(1e-9), **options)
    data = [tf.data.Dataset.from_tensor_slices(x).batch(16) if as_stream else x for x in (good, bad)]
    match = "of before that step. Received: example 7, in the bijector 'coupling_1'"
    fit_stops(model, data, match, **({} if as_stream else {"batch_size": 16, "shuffle": False}))


@pytest.mark.parametrize("part, options", [("encoder", XLA), ("decoder", {})], ids=["XLA", "graph"])
def test_an_autoencoder_stops_so(part, options):
    """The root of a negative number, of an example of the first batch."""
    layers = {name: keras.layers.Dense(2, use_bias=False) for name in ("encoder", "decoder")}
    roots = keras.Sequential([layers[part], keras.layers.Lambda(lambda h: h + 0.0 * keras.ops.sqrt(h[:, :1]))])
    roots.name = part
    vae = VariationalAutoencoder(
        **{**layers, part: roots},
        posterior=GaussianPosterior(2, seed=0),
        likelihood=lambda h: tfd.MultivariateNormalDiag(h),
    )
    good = np.abs(np.random.default_rng(0).normal(size=[8, 2])).astype("float32")
    vae.build((None, 2))
    layers["encoder"].set_weights([np.eye(2)])
    if part == "decoder":
        vae.posterior.heads.set_weights([np.eye(2, 4), np.float32([0, 0, -5, -5])])
        layers["decoder"].set_weights([np.eye(2)])
    bad = good.copy()
    bad[2] = -3.0
    vae.compile(keras.optimizers.Adam(1e-9), **options)
    match = f"of before that step. Received: example 2, in the {part} '{part}'"
    fit_stops(vae, (good, bad), match, batch_size=4, shuffle=False)


@pytest.mark.parametrize("options", [{}, XLA], ids=["graph", "XLA"])
def test_a_flow_fitted_to_a_density_stops_so(options):
    """The density stops being a number once a switch is turned, which the first look at it does not see."""
    broken = tf.Variable(0.0)
    target = lambda x: -tf.reduce_sum(x**2, axis=-1) + tf.where(broken > 1.0, np.nan, 0.0)  # noqa: E731
    model = VariationalFlow(target, bijectors.DiagonalAffine([2]), event_shape=(2,), seed=0)
    model._check_target = lambda: None
    model.compile(keras.optimizers.Adam(1e-2), **options)
    fit = lambda: model.fit(steps_per_epoch=2, batch_size=8, verbose=0)  # noqa: E731
    fit()
    before = state(model)
    broken.assign(2.0)
    with pytest.raises(
        ValueError, match="in `target_log_prob`" if options else "must be finite wherever the flow goes"
    ):
        fit()
    for new, old in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(new, old)
    broken.assign(0.0)
    assert np.isfinite(fit().history["loss"]).all()


def test_evaluation_says_what_the_density_says():
    model = exploding()
    model.compile("sgd")
    assert not np.isfinite(model.evaluate(np.float32([[80.0, 80.0]]), verbose=0))


def test_a_step_of_ones_own_may_leave_out_the_events():
    """Keras's documented `compute_loss(y=y, y_pred=y_pred)`."""
    model = flow()
    model.compile("sgd")
    x = np.zeros([3, 2], "float32")
    y_pred = model(x)
    np.testing.assert_allclose(model.compute_loss(y=x, y_pred=y_pred), model.compute_loss(x, x, y_pred), rtol=1e-6)


def test_statistics_and_seeds_stay_too_under_xla():
    """A network with batch normalization and dropout, whose statistics a bad batch would make NaN for good."""
    net = keras.Sequential(
        [
            keras.Input([1]),
            keras.layers.Lambda(lambda h: keras.ops.sqrt(h + 2.0)),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.1, seed=0),
            keras.layers.Dense(2),
        ]
    )
    model = FlowModel(
        tfd.TransformedDistribution(
            tfd.Sample(tfd.Normal(0.0, 1.0), [2]), bijectors.AffineCoupling([True, False], net, log_scale_bound="none")
        )
    )
    model.compile(keras.optimizers.SGD(1e-9), jit_compile=True)
    good = np.ones([8, 2], "float32")
    kept = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append([v.numpy() for v in model.non_trainable_variables])
    )
    fresh = [v.numpy() for v in model.non_trainable_variables]
    model.fit(good, batch_size=4, epochs=1, verbose=0, callbacks=[keep])
    assert len(fresh) == 3 and all(np.any(new != old) for new, old in zip(kept[0], fresh, strict=True))
    with pytest.raises(ValueError, match="of before that step"):
        model.fit(-5.0 * good, batch_size=4, epochs=1, verbose=0)
    for new, old in zip(model.non_trainable_variables, kept[0], strict=True):
        np.testing.assert_array_equal(new, old)
