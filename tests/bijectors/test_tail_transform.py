"""The learned tails: formulas, the seam at 0, extremes, and what they are for."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, Chain, TailTransform
from tfflows.models import FlowModel

tfd = tfp.distributions


def transform(left, right, dtype="float64"):
    """Of one entry, with these `r`."""
    flow = TailTransform([1], dtype=dtype)
    flow.raw.assign(7 * np.arctanh(np.arcsinh([[left], [right]]) / 7))
    return flow


def column(values, dtype="float64"):
    return tf.constant(np.reshape(values, (-1, 1)), dtype)


@pytest.mark.parametrize("r", [0.3, 4.0, 100.0, -0.3, -4.0, -100.0])
def test_formulas(r):
    k, x = np.sqrt(abs(r)), np.linspace(-1.5, 1.5, 41)
    expected = np.sinh(k * x) / k if r > 0 else np.arcsinh(k * x) / k
    slope = np.cosh(k * x) if r > 0 else 1 / np.sqrt(1 + k**2 * x**2)
    y, log_slope = transform(r, r).forward_and_log_det(column(x))
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-11)
    np.testing.assert_allclose(log_slope, np.log(slope), atol=1e-11)
    back, minus = transform(-r, -r).forward_and_log_det(y)
    np.testing.assert_allclose(back[:, 0], x, atol=1e-12)
    np.testing.assert_allclose(minus, -log_slope, atol=1e-10)
    np.testing.assert_array_equal(transform(r, r).inverse(y), back)


def test_each_side_has_its_own_tail_and_the_seam_is_smooth():
    flow, step = transform(-2.0, 3.0), 1e-4
    y = flow.forward(column([-1.0, 1.0]))[:, 0]
    np.testing.assert_allclose(y, [-np.arcsinh(2**0.5) / 2**0.5, np.sinh(3**0.5) / 3**0.5], rtol=1e-11)
    near = flow.forward(column([-step, 0.0, step]))[:, 0].numpy()
    assert near[1] == 0 and abs(near[0] + near[2]) < 1e-11  # no second derivative
    assert (near[2] - near[0]) / (2 * step) == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("r", [0.0, 1e-12, 1.0, -1.0, 500.0, -500.0])
def test_values_and_gradients_are_finite_everywhere(r, dtype):
    flow = transform(r, r, dtype)
    x = column([-1e9, -1e6, -1.0, -1e-20, 0.0, 1e-20, 1.0, 1e6, 1e9], dtype)
    for function in (flow.forward_and_log_det, flow.inverse_and_log_det):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y, log_det = function(x)
        assert np.isfinite(y).all() and np.isfinite(log_det).all()
        assert (np.diff(y[:, 0]) >= 0).all()
        for gradient in tape.gradient([y, log_det], [x, *flow.trainable_variables]):
            assert np.isfinite(gradient).all()


def test_starts_as_the_identity_with_a_gradient():
    """Towards heavier tails for heavy data, on the side where they are."""
    flow = TailTransform([1])
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [1])
    y = column(np.abs(np.random.default_rng(0).standard_t(3, size=1000)), "float32")
    np.testing.assert_array_equal(flow.forward(y), y)
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_mean(tfd.TransformedDistribution(base, flow).log_prob(y))
    gradient = tape.gradient(log_prob, flow.trainable_variables)[0]
    assert gradient[1, 0] > 0.1 and gradient[0, 0] == 0


@pytest.mark.parametrize(
    ("law", "most"),
    [(scipy.stats.t(3), 0.01), (scipy.stats.lognorm(0.7), None), (scipy.stats.gennorm(4), 0.02)],
    ids=["heavy", "skewed", "light"],
)
def test_fits_tails(law, most):
    """The gap to the true density falls, from that of the best normal distribution."""
    keras.utils.set_random_seed(0)
    links = [ActNorm([1]), TailTransform([1]), ActNorm([1])]
    flow = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [1]), Chain(links)))
    x, test = (law.rvs((20_000, 1), random_state=seed).astype("float32") for seed in (0, 1))
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, 400)))
    flow.adapt(x)
    truth = law.logpdf(test[:, 0]).mean()
    before = truth - flow.log_prob(test).numpy().mean()
    flow.fit(x, batch_size=500, epochs=10, verbose=0)
    after = truth - flow.log_prob(test).numpy().mean()
    assert after < 0.6 * before
    assert most is None or after < most


def test_what_does_not_fit_is_refused():
    for shape in ([], [None], None):
        with pytest.raises(ValueError, match="`event_shape` must be known and of rank 1 or more"):
            TailTransform(shape)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_learned_from_none_the_gradient_is_that_of_the_series(jit_compile):
    """At `r = 0` a side with one event `x` has `d log p / dr = x^4 / 6 - x^2 / 2`."""
    x = tf.constant([[-0.3, 3.0, 100.0, -1e4, 0.0]])
    flow = TailTransform([5])
    density = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [5]), flow)

    @tf.function(autograph=False, jit_compile=jit_compile)
    def gradient():
        with tf.GradientTape() as tape:
            log_prob = density.log_prob(tf.identity(x))
        return tape.gradient(log_prob, flow.trainable_variables)[0]

    side, other = np.abs(x[0].numpy()).astype("float64"), gradient().numpy()
    expected = np.where(np.stack([x[0] <= 0, x[0] > 0]), side**4 / 6 - side**2 / 2, 0)
    np.testing.assert_allclose(other, expected, rtol=1e-5, atol=1e-7)


def test_adapt_starts_with_the_tails_of_columns_that_outliers_rule():
    normal = np.random.default_rng(0).normal(size=(20_000, 2))
    y = np.stack([np.exp(3 * normal[:, 0]) - 1, normal[:, 1] * 3], axis=1)
    flow = TailTransform([2], dtype="float64")
    x = flow.adapt(y).numpy()
    r = np.sinh(7 * np.tanh(flow.raw.numpy() / 7))
    assert r[1, 0] > 1 and np.count_nonzero(r) == 1, "not the side that is bounded, nor the other column"
    np.testing.assert_allclose(np.quantile(x[:, 0], 0.999), scipy.stats.norm.ppf(0.999), rtol=0.01)
    np.testing.assert_array_equal(x[:, 1], y[:, 1])
    before = flow.raw.numpy()
    flow.adapt(10 * y)
    np.testing.assert_array_equal(flow.raw, before)
