"""The discretised logistic against differences of scipy's distribution function."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.distributions import DiscretizedLogistic


def direct(x, loc, scale, levels):
    edges = (2 * np.arange(1, levels) - 1) / (levels - 1) - 1
    cdf = np.concatenate([[0.0], scipy.stats.logistic(loc, scale).cdf(edges), [1.0]])
    return np.log(np.diff(cdf))[x]


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_against_differences_of_the_distribution_function(levels):
    x = np.arange(levels)
    for loc, log_scale in ((0.0, -1.0), (0.7, -2.0), (-1.3, 0.5)):
        pixel = DiscretizedLogistic(tf.constant(loc, tf.float64), log_scale, levels=levels)
        expected = direct(x, loc, np.exp(log_scale), levels)
        near = expected > -25  # the difference loses its digits in the tails
        np.testing.assert_allclose(pixel.log_prob(x.astype("float64"))[near], expected[near], rtol=1e-6)
        assert float(tf.reduce_sum(pixel.prob(x.astype("float64")))) == pytest.approx(1, abs=1e-9)


def test_finite_with_gradients_at_extreme_parameters():
    loc, log_scale = (tf.constant(np.ravel(v), tf.float32) for v in np.meshgrid([-1e4, 0.0, 1e4], [-1e4, 0.0, 1e4]))
    for x in (0.0, 100.0, 255.0):
        with tf.GradientTape() as tape:
            tape.watch([loc, log_scale])
            log_p = DiscretizedLogistic(loc, log_scale).log_prob(x)
        assert np.isfinite(log_p).all()
        assert all(np.isfinite(gradient).all() for gradient in tape.gradient(log_p, [loc, log_scale]))


@pytest.mark.parametrize("levels", [256, 65_536])
def test_gradients_in_float32_are_those_in_float64_with_bins_of_any_width(levels):
    """The narrowest bin is half a unit in the last place of 1."""
    x = np.array([1, levels // 3, levels - 2])
    gradients = {}
    for dtype in (tf.float32, tf.float64):
        log_scale = tf.constant([-2.0, 0.0, 3.0, 6.9], dtype)[:, None]
        with tf.GradientTape() as tape:
            tape.watch(log_scale)
            log_p = DiscretizedLogistic(tf.constant(0.1, dtype), log_scale, levels=levels).log_prob(x)
        gradients[dtype] = log_p.numpy(), tape.gradient(log_p, log_scale).numpy()
    for single, double in zip(gradients[tf.float32], gradients[tf.float64]):
        np.testing.assert_allclose(single, double, rtol=1e-4)


def test_only_integers_of_the_range_have_mass_whatever_their_dtype():
    pixel = DiscretizedLogistic(0.2, [-1.0, 6.0], levels=17)
    for dtype in (tf.uint8, tf.int32, tf.int64, tf.float32):
        each = pixel.log_prob(tf.cast(tf.range(17), dtype)[:, None])
        assert each.dtype == tf.float32
        np.testing.assert_allclose(np.exp(each).sum(0), 1, rtol=1e-5)
    with tf.GradientTape() as tape:
        loc = tf.constant(0.2)
        tape.watch(loc)
        other = DiscretizedLogistic(loc, 0.0, levels=17).log_prob([-1.0, 17.0, 2.5, -np.inf, 3.0])
    assert np.isneginf(other).tolist() == [True, True, True, True, False]
    assert np.isfinite(tape.gradient(other, loc))


def test_draws_have_the_frequencies():
    pixel = DiscretizedLogistic([0.5, -0.9], [-1.0, -1.5], levels=9)
    draws = pixel.sample(50_000, seed=(0, 1)).numpy()
    for i in range(2):
        p = np.exp(pixel.log_prob(tf.range(9.0)[:, None]).numpy()[:, i])
        counts = np.bincount(draws[:, i].astype(int), minlength=9)
        assert np.abs(counts - 50_000 * p).max() < 5 * np.sqrt(50_000 * 0.25)
        assert pixel.median()[i] == np.searchsorted(np.cumsum(p), 0.5) == np.median(draws[:, i])


def test_shapes():
    pixel = DiscretizedLogistic(tf.zeros([3, 4, 5]), tf.zeros([3, 4, 5]))
    assert pixel.batch_shape == [3, 4, 5] and pixel.event_shape == []
    image = tfp.distributions.Independent(pixel, 2)
    assert image.batch_shape == [3] and image.event_shape == [4, 5]
    assert image.log_prob(tf.zeros([7, 3, 4, 5])).shape == [7, 3]


def test_one_level_is_refused():
    with pytest.raises(ValueError, match="`levels` must be an integer of at least 2. Received: 1"):
        DiscretizedLogistic(0.0, 0.0, levels=1)
