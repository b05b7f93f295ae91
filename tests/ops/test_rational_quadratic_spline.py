"""Rational-quadratic splines against a textbook evaluation bin by bin, and at the places where they could break."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from tfflows.ops.elementwise import RationalQuadraticSpline

both = pytest.mark.parametrize("circular", [False, True])
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def parameters(spline, shape, dtype="float64", scale=1.5, seed=0):
    rng = np.random.default_rng(seed)
    return [tf.constant(scale * rng.normal(size=shape), dtype) for _ in range(spline.num_parameters)]


def knots_of(spline, raw):
    """Knots along both axes and slopes of one spline, from its raw parameters, by plain numpy."""
    k, raw = spline.bins, np.array(raw, float)

    def lengths(values, minimal):
        share = np.exp(values) / np.exp(values).sum()
        return 2 * spline.box * (minimal + (1 - k * minimal) * share)

    ends = [np.concatenate([[0], np.cumsum(lengths(*each))]) - spline.box
            for each in ((raw[:k], spline.minimal_width), (raw[k : 2 * k], spline.minimal_height))]  # fmt: skip
    slopes = spline.minimal_slope + np.log1p(np.exp(raw[2 * k :] + np.log(np.expm1(1 - spline.minimal_slope))))
    slopes = np.append(slopes, slopes[0]) if spline.circular else np.concatenate([[1], slopes, [1]])
    return *ends, slopes


@both
def test_is_the_papers_formula(circular):
    spline = RationalQuadraticSpline(5, 2.0, circular)
    raw = parameters(spline, (1,))
    u, v, d = knots_of(spline, [float(each[0]) for each in raw])
    x = np.linspace(-1.999, 1.999, 501)
    k = np.searchsorted(u, x, side="right") - 1
    w, h = np.diff(u)[k], np.diff(v)[k]
    s, t = h / w, (x - u[k]) / w
    expected = v[k] + h * (s * t**2 + d[k] * t * (1 - t)) / (s + (d[k + 1] + d[k] - 2 * s) * t * (1 - t))
    y, log_slope = spline.forward(tf.constant(x), *[tf.broadcast_to(each, x.shape) for each in raw])
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    step = 1e-6
    ahead, behind = (spline.forward(tf.constant(x + e), *[tf.broadcast_to(r, x.shape) for r in raw])[0].numpy()
                     for e in (step, -step))  # fmt: skip
    same = np.searchsorted(u, x - step) == np.searchsorted(u, x + step)
    np.testing.assert_allclose(np.exp(log_slope)[same], ((ahead - behind) / (2 * step))[same], rtol=1e-7)


@both
def test_knots_are_met_with_their_slopes_from_both_sides(circular):
    spline = RationalQuadraticSpline(4, 3.0, circular)
    raw = parameters(spline, (1,), seed=3)
    u, v, d = knots_of(spline, [float(each[0]) for each in raw])
    for at in (u - 1e-12, u, u + 1e-12):
        y, log_slope = spline.forward(tf.constant(at), *[tf.broadcast_to(each, at.shape) for each in raw])
        np.testing.assert_allclose(y, v, atol=1e-10)
        np.testing.assert_allclose(np.exp(log_slope), d, rtol=1e-6)
    assert circular or d[0] == d[-1] == 1


@both
@dtypes
def test_zeros_are_the_identity(circular, dtype):
    spline = RationalQuadraticSpline(7, 2.5, circular)
    x = tf.constant(np.linspace(-4, 4, 101), dtype)
    for function in (spline.forward, spline.inverse):
        y, log_slope = function(x, *[tf.zeros_like(x)] * spline.num_parameters)
        np.testing.assert_allclose(y, x, atol=20 * np.finfo(dtype).eps)
        np.testing.assert_allclose(log_slope, np.zeros(101), atol=20 * np.finfo(dtype).eps)


@both
@dtypes
def test_inverse_undoes_forward(circular, dtype):
    spline = RationalQuadraticSpline(6, 3.0, circular)
    raw = parameters(spline, (4000,), dtype)
    x = tf.constant(np.random.default_rng(1).uniform(-4, 4, 4000), dtype)
    y, there = spline.forward(x, *raw)
    back, log_slope = spline.inverse(y, *raw)
    # An error in y is magnified by the slope of the inverse.
    magnified = np.maximum(1.0, np.exp(-there.numpy()))
    assert (np.abs(back - x) < 60 * np.finfo(dtype).eps * magnified).all()
    assert (np.abs(log_slope + there) < 1e4 * np.finfo(dtype).eps * magnified).all()


def test_circular_splines_repeat_and_linear_tails_are_the_identity():
    spline = RationalQuadraticSpline(4, 2.0, True)
    x, raw = tf.constant([-1.5, 0.3, 1.9], tf.float64), parameters(spline, (3,))
    for function in (spline.forward, spline.inverse):
        y, log_slope = function(x, *raw)
        for turns in (-3, 1, 1000):
            moved = function(x + 4.0 * turns, *raw)
            np.testing.assert_allclose(moved[0], y + 4.0 * turns, rtol=1e-11)
            np.testing.assert_allclose(moved[1], log_slope, atol=1e-9)
    linear = RationalQuadraticSpline(4, 2.0)
    far = tf.constant([-1e6, -2.0, 2.0, 2.0001, 1e6], tf.float64)
    y, log_slope = linear.forward(far, *parameters(linear, (5,)))
    np.testing.assert_array_equal(y, far)
    np.testing.assert_array_equal(log_slope, np.zeros(5))


@both
@dtypes
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4, 1e8])
def test_values_and_gradients_are_finite_everywhere(circular, dtype, scale):
    """Far outside the box, on its ends and on knots, for tame and for wild parameters."""
    spline = RationalQuadraticSpline(4, 3.0, circular)
    far = [-np.float64(1e30), -1e6, -3.0, -1.5, 0.0, 1.5, 3.0, np.nextafter(3.0, 4.0), 1e6, 1e30]
    x = tf.constant(far, dtype)  # at scale 0 the knots are -3, -1.5, 0, 1.5, 3
    raw = parameters(spline, x.shape, dtype, scale)
    for function in (spline.forward, spline.inverse):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, *raw])
            y, log_slope = function(x, *raw)
        assert np.isfinite(y).all() and np.isfinite(log_slope).all()
        for value in (y, log_slope):
            for gradient in tape.gradient(value, [x, *raw], unconnected_gradients="zero"):
                assert np.isfinite(gradient).all()


@both
def test_gradients_agree_with_finite_differences(circular):
    spline = RationalQuadraticSpline(4, 3.0, circular)
    x, raw = tf.constant(np.random.default_rng(5).uniform(-2.9, 2.9, 50)), tf.stack(parameters(spline, (50,)))
    direction = tf.constant(np.random.default_rng(6).normal(size=raw.shape))
    for function in (spline.forward, spline.inverse):
        for i in (0, 1):
            with tf.GradientTape() as tape:
                tape.watch(raw)
                value = tf.reduce_sum(function(x, *tf.unstack(raw))[i])
            slope = float(tf.reduce_sum(tape.gradient(value, raw) * direction))
            up, down = (float(tf.reduce_sum(function(x, *tf.unstack(raw + e * direction))[i])) for e in (1e-6, -1e-6))
            assert slope == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_minimal_sizes_are_kept():
    spline = RationalQuadraticSpline(4, 1.0, minimal_width=0.1, minimal_height=0.2, minimal_slope=0.3)
    raw = [-40.0, 40, 40, 40, -40, 40, 40, 40, -40, -40, -40]
    edge = -1 + 2 * 0.1
    x = tf.constant([edge, edge + 1e-9], tf.float64)
    y, log_slope = spline.forward(x, *[tf.fill([2], tf.constant(each, tf.float64)) for each in raw])
    np.testing.assert_allclose(y, [-1 + 2 * 0.2] * 2, atol=1e-8)
    np.testing.assert_allclose(np.exp(log_slope), [0.3, 0.3], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 1}, "`bins` must be an integer of at least 2. Received: 1"),
        ({"bins": 2.0}, "`bins` must be an integer of at least 2. Received: 2.0"),
        ({"box": 0.0}, "`box` must be a positive finite number. Received: 0.0"),
        ({"box": np.inf}, "`box` must be a positive finite number"),
        ({"bins": 4, "minimal_width": 0.25}, "`minimal_width` must be above 0 and below 1 / bins = 0.25"),
        ({"minimal_height": 0.0}, "`minimal_height` must be above 0 and below 1 / bins"),
        ({"minimal_slope": 1.0}, "`minimal_slope` must be above 0 and below 1. Received: 1.0"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RationalQuadraticSpline(**options)


def test_affine_part_is_before_the_spline():
    spline, plain = RationalQuadraticSpline(4, 3.0, affine=True), RationalQuadraticSpline(4, 3.0)
    x, raw = tf.constant([-40.0, 0.3, 1.7, 9.0], tf.float64), parameters(spline, (4,))
    log_scale = 3 * np.tanh(raw[-1] / 3)
    expected, log_slope = plain.forward((x - raw[-2]) * np.exp(-log_scale), *raw[:-2])
    y, found = spline.forward(x, *raw)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(found, log_slope - log_scale, rtol=1e-12)
    back, minus = spline.inverse(y, *raw)
    np.testing.assert_allclose(back, x, rtol=1e-11)
    np.testing.assert_allclose(minus, -found, atol=1e-11)


@pytest.mark.parametrize("options", [{}, {"affine": True}, {"bins": 5, "minimal_width": 0.1}, {"bins": 2, "box": 0.5}])
def test_normal_knots_are_the_identity_with_knots_at_quantiles(options):
    spline = RationalQuadraticSpline(**options)
    raw = np.array(spline.normal_knots())
    x = np.linspace(-1.2 * spline.box, 1.2 * spline.box, 101)
    y, log_slope = spline.forward(tf.constant(x), *raw[:, None] * np.ones_like(x))
    np.testing.assert_allclose(y, x, atol=1e-6)
    np.testing.assert_allclose(log_slope, 0.0, atol=1e-6)
    if "minimal_width" in options:  # which moves them
        return
    # The knots again, from widths of the definition.
    k, free = spline.bins, 1.0 - spline.bins * spline.minimal_width
    widths = spline.minimal_width + free * scipy.special.softmax(raw[:k])
    knots = (2.0 * np.cumsum(widths) - 1.0)[:-1] * spline.box
    inside = scipy.stats.truncnorm(-spline.box / 1.5, spline.box / 1.5, scale=1.5)
    np.testing.assert_allclose(inside.cdf(knots), np.arange(1, k) / k, atol=0.01)


def test_knots_of_a_circle_are_even():
    assert set(RationalQuadraticSpline(circular=True).normal_knots()) == {0.0}


def test_affine_part_of_a_circle_turns_it():
    spline, plain = RationalQuadraticSpline(4, 3.0, True, True), RationalQuadraticSpline(4, 3.0, True)
    assert spline.num_parameters == plain.num_parameters + 1 == 13
    x, raw = tf.constant([-40.0, 0.3, 1.7, 2.9], tf.float64), parameters(spline, (4,))
    for found, expected in zip(spline.forward(x, *raw), plain.forward(x - raw[-1], *raw[:-1]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    back, _ = spline.inverse(spline.forward(x, *raw)[0], *raw)
    np.testing.assert_allclose(back, x, rtol=1e-11)
