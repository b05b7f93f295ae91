"""Dequantization: where the noise lies, and a likelihood that is that of the integers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import Logit
from tfflows.layers import UniformDequantization, VariationalDequantization
from tfflows.models import FlowModel

tfb, tfd = tfp.bijectors, tfp.distributions
SHAPE = (2, 2, 1)


def integers(n, levels, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (n, *shape)).astype("int32")


def variational(levels=8, **options):
    layer = VariationalDequantization(
        SHAPE, levels, num_couplings=2, hidden_filters=(6,), feature_filters=3, seed=1, **options
    )
    rng = np.random.default_rng(2)
    for weight in layer.trainable_variables:
        weight.assign_add(0.04 * rng.normal(size=weight.shape))
    return layer


LAYERS = {"uniform": lambda **options: UniformDequantization(8, **options), "variational": variational}
every_layer = pytest.mark.parametrize("kind", LAYERS)


@every_layer
def test_noise_stays_in_its_level(kind):
    x = integers(200, 8)
    y, log_q = LAYERS[kind]()(x, seed=0)
    np.testing.assert_array_equal(np.floor(y), x)
    assert y.dtype == tf.float32 and log_q.shape == (200,)


@every_layer
def test_seeds(kind):
    layer, x = LAYERS[kind](), integers(4, 8)
    first, again, other = layer(x, seed=0)[0], layer(x, seed=0)[0], layer(x, seed=1)[0]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0
    assert np.abs(layer(x)[0] - layer(x)[0]).max() > 0  # without a seed, new noise each time


def test_never_rounds_up_to_the_next_level():
    x = np.full((1, 100_000), 2**20 - 1, "int32")
    y, _ = UniformDequantization(2**20)(x, seed=0)
    assert float(tf.reduce_max(y)) < 2**20


def test_density_of_the_noise_integrates_to_one():
    """`E_uniform[q(u|x)] = 1`, with `log q` at given `u` from the flow's inverse; and `log_q` is that density."""
    layer = variational(dtype="float64")
    x = tf.constant(integers(1, 8))
    context = layer._context(layer.reduced(x))
    u = tf.random.stateless_uniform([200_000, *SHAPE], [0, 1], dtype="float64")
    e, log_det = layer._flow.inverse_and_log_det(u, context=tf.repeat(context, len(u), axis=0))
    log_q = tfd.Sample(tfd.Normal(tf.zeros([], "float64"), 1.0), SHAPE).log_prob(e) + log_det
    q = np.exp(log_q)
    assert abs(q.mean() - 1.0) < 5 * q.std() / np.sqrt(len(u))
    y, drawn = layer(x, seed=3)
    e, log_det = layer._flow.inverse_and_log_det(y - tf.cast(x, "float64"), context=context)
    expected = tfd.Sample(tfd.Normal(tf.zeros([], "float64"), 1.0), SHAPE).log_prob(e) + log_det
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)


def normal_flow(layer, levels):
    """Independent normals over the dequantized pixels: `P(x)` is a difference of distribution functions."""
    shift, scale = levels / 2, levels / 5
    base = tfd.Sample(tfd.Normal(0.0, 1.0), SHAPE)
    bijector = tfb.Chain([tfb.Shift(tf.Variable(shift)), tfb.Scale(tf.Variable(scale))])
    exact = tfd.Normal(shift, scale)

    def log_p(x):
        return np.log(exact.cdf(x + 1.0) - exact.cdf(tf.cast(x, tf.float32))).sum(axis=(1, 2, 3))

    return FlowModel(tfd.TransformedDistribution(base, bijector), dequantization=layer), log_p


def logit_flow(layer, levels):
    """The same after RealNVP's logit: its Jacobian counts once."""
    base = tfd.Sample(tfd.Normal(0.0, 1.5), SHAPE)
    logit = Logit(0.05, high=float(levels))
    exact = tfd.Normal(0.0, 1.5)

    def log_p(x):
        ends = [logit.forward(tf.constant(x + step, tf.float32)) for step in (0, 1)]
        return np.log(exact.cdf(ends[1]) - exact.cdf(ends[0])).sum(axis=(1, 2, 3))

    return FlowModel(tfd.TransformedDistribution(base, tfb.Invert(logit)), dequantization=layer), log_p


def drawn(model, x, count):
    """Log-probabilities of `count` draws of the noise: `[count, len(x)]`."""
    return model.log_prob(np.tile(x, (count, 1, 1, 1)), seed=0).numpy().reshape(count, len(x))


@every_layer
@pytest.mark.parametrize("flow", [normal_flow, logit_flow])
def test_bound_and_its_limit_against_the_exact_probability(kind, flow):
    model, exact = flow(LAYERS[kind](), 8)
    x = integers(6, 8)
    draws = drawn(model, x, 20_000)
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (draws.mean(axis=0) <= exact(x) + 4 * error).all()  # Jensen's bound
    weighted = tf.reduce_logsumexp(draws, axis=0) - np.log(len(draws))
    np.testing.assert_allclose(weighted, exact(x), atol=0.05)  # and it is tight inside the logarithm


@pytest.mark.parametrize("flow", [normal_flow, logit_flow])
def test_exact_probabilities_sum_to_one_as_the_estimates_do(flow):
    model, exact = flow(UniformDequantization(3), 3)
    x = np.stack(np.meshgrid(*[np.arange(3, dtype="int32")] * 4), axis=-1).reshape(-1, *SHAPE)
    total = np.exp(drawn(model, x, 300)).mean(axis=0).sum()
    assert total == pytest.approx(np.exp(exact(x)).sum(), rel=0.02)


def test_variational_noise_learns_a_tighter_bound():
    keras.utils.set_random_seed(0)
    layer = variational()
    model, exact = normal_flow(layer, 8)
    x = np.tile(integers(64, 8), (8, 1, 1, 1))
    before = drawn(model, x, 20).mean()
    model.compile(keras.optimizers.Adam(1e-2))
    assert {id(v) for v in layer.trainable_variables} <= {id(v) for v in model.trainable_variables}
    model.fit(x, epochs=10, batch_size=64, verbose=0)
    after = drawn(model, x, 20).mean()
    assert after > before + 0.05


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_variational_keeps_the_noise_in_full_precision(dtype):
    y, log_q = variational(dtype=dtype)(integers(2, 8))
    assert y.dtype == log_q.dtype == ("float64" if dtype == "float64" else "float32")


def test_variational_adapts_once():
    layer = variational()
    assert not layer.adapted
    layer.adapt(integers(64, 8))
    assert layer.adapted
    weights = layer.get_weights()
    layer.adapt(integers(64, 8, seed=1))
    for before, after in zip(weights, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_fewer_levels():
    layer = UniformDequantization(256, kept_levels=32)
    x = np.arange(256, dtype="uint8")[:, None]
    np.testing.assert_array_equal(np.floor(layer(x)[0]), x // 8)
    np.testing.assert_array_equal(layer.quantized(layer(x)[0]), x // 8 * 8)


def test_quantized_clips():
    layer = UniformDequantization(256)
    assert layer.quantized(tf.constant([-3.0, 0.2, 255.9, 300.0])).numpy().tolist() == [0, 0, 255, 255]


@every_layer
def test_config_round_trip(kind):
    layer = LAYERS[kind]()
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    twin.set_weights(layer.get_weights())
    x = integers(3, 8)
    np.testing.assert_array_equal(twin(x, seed=0)[0], layer(x, seed=0)[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformDequantization(1), "`levels` must be an integer of at least 2. Received: 1"),
        (lambda: UniformDequantization(256, kept_levels=100), "must divide `levels`, 256.*Received: 100"),
        (lambda: VariationalDequantization((None, 4, 1)), "`image_shape` must be integers of at least 1. Received"),
        (lambda: VariationalDequantization((4, 4, 1), num_couplings=1), "at least 2. Received: 1"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
