"""Densities of flows onto an interval: at its ends, beyond them, and under every compiler."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.layers import GaussianPosterior
from tfflows.models import FlowModel, VariationalAutoencoder

tfb, tfd = tfp.bijectors, tfp.distributions

BOX = {"Logit": tfb.Invert(bijectors.Logit(0.0)), "wide Logit": tfb.Invert(bijectors.Logit(0.05))}
BOX |= {"Sigmoid": tfb.Sigmoid(), "NormalCDF": tfb.NormalCDF()}
BOX |= {"ours": bijectors.Chain([tfb.NormalCDF()]), "TFP's": tfb.Chain([tfb.Sigmoid()])}


def flow(*links, trained=1.5):
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [1])
    return FlowModel(tfd.TransformedDistribution(base, tfb.Chain([*links, tfb.Scale(tf.Variable(trained))])))


def log_density(name, y):
    """In float64, of `x = 1.5 N(0, 1)` sent onto (0, 1)."""
    a = 0.05 if name == "wide Logit" else 0.0
    p = a + (1 - 2 * a) * np.float64(y)
    if name in ("NormalCDF", "ours"):
        x = scipy.special.ndtri(p)
        slope = 0.5 * x**2 + 0.5 * np.log(2 * np.pi)
    else:
        x = np.log(p) - np.log1p(-p)
        slope = np.log(1 - 2 * a) - np.log(p) - np.log1p(-p)
    return -0.5 * (x / 1.5) ** 2 - 0.5 * np.log(2 * np.pi) - np.log(1.5) + slope


@pytest.mark.parametrize("name", BOX)
def test_next_to_the_ends_every_way_gives_the_density(name):
    tiny = np.finfo(np.float32).tiny
    y = np.float32([tiny, 1e-30, 1e-12, 1e-8, 2.9e-8, 6e-8, 1e-7, 1e-4, 0.3, 0.9, 1 - 1e-6, 1 - 1.2e-7, 1 - 6e-8])
    model, right = flow(BOX[name]), log_density(name, y)
    xla = tf.function(model.log_prob, jit_compile=True)
    many = np.tile(y, 400)[:, None]
    ways = model.log_prob(y[:, None]), xla(y[:, None]), model.predict(many, batch_size=13, verbose=0)[: len(y)]
    for found in ways:
        np.testing.assert_allclose(found, right, rtol=5e-6, atol=5e-6)


@pytest.mark.parametrize("name", BOX)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_outside_the_log_density_is_minus_infinity_with_finite_gradients(name, jit_compile):
    model = flow(BOX[name])
    weight = model.trainable_variables[0]
    y = tf.constant([[-3.0], [0.25], [1.1], [-np.inf], [np.inf]])

    @tf.function(autograph=False, jit_compile=jit_compile)
    def answers(y):
        with tf.GradientTape() as tape:
            tape.watch(y)
            found = model.log_prob(y)
        return found, tape.gradient(found, [y, weight.value])

    found, (by_y, by_weight) = answers(y)
    assert np.isneginf(found).tolist() == [True, False, True, True, True]
    assert np.isnan(model.log_prob([[np.nan]])).all()  # neither in nor out
    step = 1e-4
    slope = (log_density(name, 0.25 + step) - log_density(name, 0.25 - step)) / (2 * step)
    np.testing.assert_allclose(by_y[:, 0], [0, slope, 0, 0, 0], rtol=1e-3)
    assert np.isfinite(by_weight)


@pytest.mark.parametrize("make", [tfb.Exp, tfb.Softplus, tfb.Tanh, tfb.Softsign, lambda: tfb.Sigmoid(-2.0, 3.0)])
def test_native_bijectors_onto_other_intervals(make):
    low, high = {"Exp": (0, 9), "Softplus": (0, 9), "Sigmoid": (-2, 3)}.get(type(make()).__name__, (-1, 1))
    inside = np.float32([[low + 0.25], [0.5], [high - 0.25]])
    model = flow(make())
    np.testing.assert_array_equal(model.log_prob(inside), model.distribution.log_prob(inside))
    assert np.isneginf(model.log_prob(np.float32([[low], [low - 1]]))).all()
    assert high == 9 or np.isneginf(model.log_prob(np.float32([[high], [high + 1]]))).all()


def test_only_what_has_ends_is_guarded_and_parts_are_shared():
    open_ended = flow(tfb.Shift(1.0))
    assert open_ended._density is open_ended.distribution
    closed = flow(tfb.Sigmoid())
    closed.trainable_variables[0].assign(0.5)
    assert closed.log_prob([[0.5]]).numpy() == pytest.approx(float(closed.distribution.log_prob([[0.5]])[0]))
    assert len(closed.trainable_variables) == len(closed.distribution.trainable_variables) == 1


@pytest.mark.parametrize("link", [tfb.Sigmoid(), tfb.Chain([tfb.Shift(0.0), tfb.Scale(1.0), tfb.NormalCDF()])])
def test_data_at_an_end_are_refused_before_training(link):
    model = flow(*(link.bijectors if isinstance(link, tfb.Chain) else [link]))
    model.compile(keras.optimizers.SGD(0.1))
    x = np.full([64, 1], 0.5, "float32")
    x[7], x[9] = 1.0, 0.0
    refusal = r"inside of the flow's support.*Received: 2 values that are not, the first \[?1.0\]? at index \(7, 0\)"
    with pytest.raises(ValueError, match=refusal):
        model.fit(x, verbose=0)
    with pytest.raises(ValueError, match=refusal.replace("7", "3").replace(r"`x`", "x")):
        model.fit(tf.data.Dataset.from_tensor_slices(x[4:]).batch(32), verbose=0)
    assert model.trainable_variables[0].numpy() == 1.5
    model.fit(np.clip(x, 0.01, 0.99), verbose=0)
    assert np.isfinite(model.trainable_variables[0].numpy()) and model.trainable_variables[0].numpy() != 1.5


@pytest.mark.parametrize("base", [tfd.Cauchy(0.0, 1.0), tfd.StudentT(1.0, 0.0, 1.0), tfd.HalfStudentT(0.9, 0.0, 1.0)])
def test_a_temperature_needs_a_mean(base):
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(base, [2]), tfb.Scale(2.0)))
    assert np.isfinite(model.sample(3, seed=0)).all()
    with pytest.raises(ValueError, match="needs a distribution with one. Received: temperature=0.5 with Sample"):
        model.sample(3, seed=0, temperature=0.5)
    drawn = tf.function(lambda temperature: model.sample(3, seed=0, temperature=temperature))(tf.constant(1.0))
    np.testing.assert_allclose(drawn, model.sample(3, seed=0), rtol=1e-6)  # a number that only the run knows


def test_the_temperature_of_a_prior_needs_a_mean():
    """Of a distribution, and of the base of a flow."""
    cauchy = tfd.Sample(tfd.Cauchy(0.0, 1.0), [2])
    for prior in (cauchy, FlowModel(tfd.TransformedDistribution(cauchy, tfb.Scale(2.0)))):
        encoder, decoder = (keras.Sequential([keras.layers.Dense(size)]) for size in (4, 3))
        model = VariationalAutoencoder(encoder, decoder, GaussianPosterior(2), prior=prior)
        model.build((None, 3))
        assert np.isfinite(model.sample(3, seed=0)).all()
        with pytest.raises(ValueError, match="needs a distribution with one. Received: temperature=0.5 with Sample"):
            model.sample(3, seed=0, temperature=0.5)


EXACT = {
    "KumaraswamyCDF": lambda number: [tfb.KumaraswamyCDF(number(1.3), number(1.7)), tfb.Sigmoid()],
    "MoyalCDF": lambda number: [tfb.MoyalCDF(number(0.3), number(1.2))],
    "NormalCDF": lambda number: [tfb.NormalCDF()],
    "SoftClip": lambda number: [tfb.SoftClip(number(0.0), number(1.0), number(0.5))],
}


@pytest.mark.parametrize("name", EXACT)
def test_latents_and_densities_next_to_an_end(name):
    """Against the way back in float64, where events are numbers of float32 still: eagerly and under XLA."""
    y = np.float32([1e-9, 3e-8, 1e-4, 0.2, 0.7, 1 - 1e-5, 1 - 6e-8])[:, None]
    for dtype in (tf.float32, tf.float64):
        number = lambda value: tf.constant(value, dtype)  # noqa: B023, E731
        base = tfd.Sample(tfd.Normal(number(0.0), number(1.0)), [1])
        model = FlowModel(tfd.TransformedDistribution(base, tfb.Chain(EXACT[name](number))))
        exact = tfb.Chain(EXACT[name](lambda value: tf.constant(value, tf.float64)))
        for jit_compile in (None, True):
            ask = lambda y: (model.encode(y), model.log_prob(y))  # noqa: B023, E731
            ask = ask if jit_compile is None else tf.function(ask, jit_compile=jit_compile, autograph=False)
            z, log_prob = ask(tf.cast(y, dtype))
            z = tf.cast(z, tf.float64)
            if dtype == tf.float64:
                np.testing.assert_allclose(exact.forward(z), y, rtol=1e-6)
                right = -0.5 * (z**2 + np.log(2 * np.pi)) - exact.forward_log_det_jacobian(z, 0)
                np.testing.assert_allclose(log_prob, right[:, 0], rtol=1e-6, atol=1e-6)
                doubles = z, log_prob
            else:
                singles = z, log_prob
    for single, double in zip(singles, doubles, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["Sigmoid", "NormalCDF", "ours", "TFP's"])
def test_latents_of_what_is_outside_are_no_numbers(name):
    z = flow(BOX[name]).encode(np.float32([[-3.0], [0.25], [1.1]]))
    np.testing.assert_array_equal(np.isfinite(z)[:, 0], [False, True, False])
