"""Angles: where the circle is cut, what `adapt` finds, and what is refused. (The conformance table has the rest.)"""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import Angles

TURN = 2 * np.pi


def test_whole_turns_change_nothing_and_both_directions_end_on_the_circle():
    angles = Angles(2, [1], period=360.0, dtype="float64")
    y = tf.constant([[7.0, 10.0], [7.0, 370.0], [7.0, -350.0], [7.0, 36010.0]], tf.float64)
    x = angles.inverse(y).numpy()
    np.testing.assert_allclose(x, [[7.0, np.pi / 18]] * 4, rtol=1e-12)
    np.testing.assert_allclose(angles.forward(tf.constant(x + [0, 3 * TURN])), [[7.0, 10.0]] * 4, rtol=1e-12)
    np.testing.assert_allclose(angles.inverse_log_det_jacobian(y, 1), np.full(4, np.log(TURN / 360)), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ends_of_a_turn(dtype):
    """The half-open interval holds all results, whatever the rounding."""
    angles, half = Angles(1, True, dtype=dtype), np.asarray(np.pi, dtype)
    ends = [np.nextafter(sign * half, to * np.asarray(4, dtype)) for sign in (-1, 1) for to in (-1, 1)]
    x = tf.constant([[each + turn * TURN] for each in (*ends, half, -half, 0) for turn in range(-3, 4)], dtype)
    for function in (angles.forward, angles.inverse):
        y = function(tf.identity(x)).numpy()
        assert (y >= -half).all() and (y < half).all()
        np.testing.assert_allclose(np.exp(1j * y), np.exp(1j * x.numpy()), atol=30 * np.finfo(dtype).eps)


def test_adapt_finds_the_mean_direction():
    rng = np.random.default_rng(0)
    y = np.stack([rng.normal(size=500), rng.vonmises(3.0, 5.0, 500), rng.vonmises(-1.0, 5.0, 500)], axis=1)
    angles = Angles(3, [2, 1], dtype="float64")
    x = angles.adapt(tf.constant(y)).numpy()
    expected = np.arctan2(np.sin(y[:, 1:]).mean(axis=0), np.cos(y[:, 1:]).mean(axis=0))
    np.testing.assert_allclose(angles.location.numpy(), [0, *expected], atol=1e-12)
    assert np.abs(np.sin(x[:, 1:]).mean(axis=0)).max() < 1e-12 and (x[:, 0] == y[:, 0]).all()
    np.testing.assert_allclose(angles.forward(tf.constant(x)), y, atol=1e-12)
    before = angles.location.numpy()
    angles.adapt(tf.constant(y + 1))
    np.testing.assert_array_equal(angles.location, before)  # it acts once


@pytest.mark.parametrize(
    ("low", "high", "start"), [(-12, 12, -12), (0, 24, 0), (0, 11, -12), (1, 13, 0), (-3, 15, -12), (100, 101, -12)]
)
def test_samples_are_where_the_data_were(low, high, start):
    angles, y = Angles(1, [0], period=24.0), np.linspace(low, high, 50)[:, None].astype("float32")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        angles.adapt(tf.constant(y))
    outside = (low, high) in ((-3, 15), (100, 101))
    assert len(said) == outside
    if outside:
        expected = f"column 0 is from {low} to {high}, beyond its period of 24, and taken modulo that.*`period` of 360"
        with pytest.warns(UserWarning, match=expected):
            Angles(1, [0], period=24.0).adapt(tf.constant(y))
    x = angles.forward(tf.constant(np.linspace(-9, 9, 200)[:, None], tf.float32)).numpy()
    assert start <= x.min() < start + 1 and start + 23 < x.max() < start + 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"circular": [3]}, r"`circular` must hold entries of 0 to 2, each once. Received: \[3\]"),
        ({"circular": [0, -3]}, "each once. Received"),
        ({"circular": []}, "each once. Received"),
        ({"circular": [0.0]}, r"must be True or hold the numbers of entries. Received: \[0.0\]"),
        ({"circular": 1}, "must be True or hold the numbers of entries. Received: 1"),
        ({"circular": "a"}, "must be True or hold the numbers of entries. Received: 'a'"),
        ({"circular": [0], "period": 0.0}, "`period` must be a positive number, or 1 of them, .* Received: 0.0"),
        ({"circular": [0, 1], "period": [1.0]}, r"or 2 of them, one an angle. Received: \[1.0\]"),
        ({"circular": [0], "period": "24"}, "Received: '24'"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Angles(3, **options)
