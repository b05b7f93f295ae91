"""The four energies against the formulas of the paper in NumPy, their constants against plain grids."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import datasets

LOG_NORMALIZERS = [1.87750, 2.08209, 2.64171, 2.68457]


def potential(number, z):
    """Table 1 of Rezende and Mohamed, as printed."""
    z1, z2 = z.T
    w1, w2 = np.sin(2 * np.pi * z1 / 4), 3 * np.exp(-0.5 * ((z1 - 1) / 0.6) ** 2)
    w3 = 3 / (1 + np.exp(-(z1 - 1) / 0.3))
    if number == 1:
        sides = np.exp(-0.5 * ((z1 - 2) / 0.6) ** 2) + np.exp(-0.5 * ((z1 + 2) / 0.6) ** 2)
        return 0.5 * ((np.linalg.norm(z, axis=1) - 2) / 0.4) ** 2 - np.log(sides)
    if number == 2:
        return 0.5 * ((z2 - w1) / 0.4) ** 2
    if number == 3:
        return -np.log(np.exp(-0.5 * ((z2 - w1) / 0.35) ** 2) + np.exp(-0.5 * ((z2 - w1 + w2) / 0.35) ** 2))
    return -np.log(np.exp(-0.5 * ((z2 - w1) / 0.4) ** 2) + np.exp(-0.5 * ((z2 - w1 + w3) / 0.35) ** 2))


@pytest.fixture(params=range(4), ids=lambda i: f"energy_{i + 1}")
def case(request):
    return request.param, getattr(datasets, f"energy_{request.param + 1}")()


def test_formulas(case):
    i, energy = case
    z = np.random.default_rng(0).uniform(-4, 4, (1000, 2))
    np.testing.assert_allclose(energy.unnormalized_log_prob(z), -potential(i + 1, z), rtol=1e-10)
    narrow = energy.unnormalized_log_prob(z.astype("float32").reshape(10, 100, 2))
    assert narrow.dtype == tf.float32 and narrow.shape == (10, 100)
    np.testing.assert_allclose(narrow.numpy().ravel(), -potential(i + 1, z), rtol=1e-3, atol=1e-3)


def test_normalizer_against_a_plain_grid(case):
    i, energy = case
    centres = np.arange(-4, 4, 0.01) + 0.005
    z = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    assert np.log(np.exp(-potential(i + 1, z)).sum() * 0.01**2) == pytest.approx(energy.log_normalizer, abs=3e-6)
    assert energy.log_normalizer == pytest.approx(LOG_NORMALIZERS[i], abs=5e-6)


def test_sine_wave_in_closed_form():
    # x1 uniform on 8, x2 a normal of deviation 0.4, of which the box cuts off no more than 1e-13.
    energy = datasets.energy_2()
    assert energy.log_normalizer == pytest.approx(np.log(8 * 0.4 * np.sqrt(2 * np.pi)), abs=1e-9)
    assert energy.entropy == pytest.approx(np.log(8) + np.log(0.4 * np.sqrt(2 * np.pi * np.e)), abs=1e-9)


def test_density_ends_with_the_box(case):
    _, energy = case
    x = energy.sample(2000, seed=0)
    assert np.abs(x).max() <= 4
    assert energy.log_prob([[4.001, 0.0], [0.0, -5.0]]).tolist() == [-np.inf, -np.inf]


def test_gradients_are_finite_everywhere(case):
    _, energy = case
    x = tf.constant([[0.0, 0.0], [30.0, -1e3], [1.0, 0.0], [-1e4, 1e4]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = energy.unnormalized_log_prob(x)
    assert np.isfinite(y).all() and np.isfinite(tape.gradient(y, x)).all()


def test_gradient_between_the_two_bright_sides_is_that_of_both():
    x = tf.constant([[0.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        log_density = datasets.energy_1().unnormalized_log_prob(x)
    np.testing.assert_allclose(tape.gradient(log_density, x), [[0.0, 0.0]], atol=1e-6)
