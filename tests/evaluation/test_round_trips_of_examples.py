"""Interpolation and reconstruction, on models whose every answer is known."""

import numpy as np
import pytest

from tfflows import evaluation


class Doubling:
    """`x = 2 z`, exactly, plus what is added to class labels; counts calls."""

    dequantization = None

    def __init__(self, wrong=0.0):
        self.wrong = wrong

    @property
    def bijector(self):
        outer = self

        class Bijector:
            def forward(self, z):
                return 2 * np.asarray(z) * (1 + outer.wrong)

            def inverse(self, x):
                return np.asarray(x) / 2

        return Bijector()

    def encode(self, x, context=None, *, seed=None):
        return (x - (0 if context is None else context[:, None])) / 2

    def decode(self, z, context=None):
        return 2 * z * (1 + self.wrong) + (0 if context is None else context[:, None])


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_on_the_sphere_the_distance_goes_evenly_and_the_ends_are_kept():
    a, b, t = _normal(4, 3, 5), 3 * _normal(4, 3, 5, seed=1), np.linspace(0, 1, 7)
    way = evaluation.between(a, b, t)
    assert way.shape == (4, 7, 3, 5) and way.dtype == a.dtype
    np.testing.assert_allclose(way[:, 0], a)
    np.testing.assert_allclose(way[:, -1], b)
    length = np.linalg.norm(way.reshape(4, 7, -1), axis=-1)
    np.testing.assert_allclose(length, length[:, :1] * (1 - t) + length[:, -1:] * t)
    unit = way.reshape(4, 7, -1) / length[..., None]
    turns = np.sum(unit[:, 1:] * unit[:, :-1], axis=-1)  # the direction turns at a constant rate
    np.testing.assert_allclose(turns, np.broadcast_to(turns[:, :1], turns.shape))


def test_the_middle_of_a_line_is_nearer_and_that_of_the_sphere_is_not():
    a, b = _normal(50, 3000), _normal(50, 3000, seed=1)
    straight = evaluation.between(a, b, [0.5], spherical=False)
    np.testing.assert_allclose(straight[:, 0], (a + b) / 2)
    length = np.linalg.norm(a, axis=1).mean()
    np.testing.assert_allclose(np.linalg.norm(straight, axis=-1).mean() / length, np.sqrt(0.5), rtol=0.01)
    np.testing.assert_allclose(np.linalg.norm(evaluation.between(a, b, [0.5]), axis=-1).mean(), length, rtol=0.01)


def test_parallel_and_zero_latents_are_joined_straight():
    a = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]], np.float32)
    b = np.array([[2.0, 4.0], [1.0, 1.0], [-1.0, -1.0]], np.float32)
    way = evaluation.between(a, b, [0.0, 0.25, 1.0])
    assert np.isfinite(way).all()
    np.testing.assert_allclose(way, evaluation.between(a, b, [0.0, 0.25, 1.0], spherical=False), atol=1e-3)


def test_examples_on_the_way_are_decoded_given_their_context():
    first, second, labels = _normal(3, 4), _normal(3, 4, seed=1), np.array([10.0, 20.0, 30.0])
    found = evaluation.interpolations(Doubling(), first, second, labels, num_steps=5, spherical=False)
    expected = first[:, None] + np.linspace(0, 1, 5)[None, :, None] * (second - first)[:, None]
    np.testing.assert_allclose(found, expected)
    plain = evaluation.interpolations(Doubling(), first, second, num_steps=2)
    np.testing.assert_allclose(plain, np.stack([first, second], axis=1))


def test_reconstruction_errors_are_those_that_were_put_in():
    x = np.array([[1.0, -2.0], [0.0, 4.0]])
    exact = evaluation.reconstruct(Doubling(), x)
    assert (exact.max_error, exact.mean_error, exact.max_float_error, exact.count) == (0, 0, 0, 2)
    found = evaluation.reconstruct(Doubling(wrong=0.5), x)
    np.testing.assert_allclose(found.examples, 1.5 * x)
    np.testing.assert_allclose([found.max_error, found.mean_error], [2.0, 7 / 8])
    np.testing.assert_allclose([found.max_float_error, found.mean_float_error], [2.0, 7 / 8])
    np.testing.assert_allclose(found.float_errors, np.abs(x) / 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.interpolations(Doubling(), _normal(2, 3), _normal(3, 3)), "as many examples"),
        (lambda: evaluation.interpolations(Doubling(), _normal(2, 3), _normal(2, 3), num_steps=1), "at least 2"),
        (lambda: evaluation.reconstruct(Doubling(), _normal(0, 3)), "At least one"),
        (lambda: evaluation.importance_weighted(Doubling(), _floats()), "Discrete data"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _floats():
    from tfflows import datasets

    x = _normal(3, 2).astype("float32")
    return datasets.Dataset("floats", x, x, x)
