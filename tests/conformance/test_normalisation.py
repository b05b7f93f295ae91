"""Densities over the plane integrate to 1."""

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES

CELLS = 600  # in each direction
planar_case = pytest.mark.parametrize("case", [case for case in CASES if case.event_shape == (2,)], ids=str)


def _ends(case, bijector, kwargs):
    """A box around all the mass: the image of the base's corners, or of nine standard deviations."""
    if case.uniform:
        return [bijector.forward(tf.fill([2], tf.constant(end, "float64")), **kwargs) for end in case.domain]
    z = 9.0 * np.indices((41, 41)).reshape(2, -1).T / 20.0 - 9.0
    y = bijector.forward(tf.constant(z[np.hypot(*z.T) < 9.0], "float64"), **kwargs)
    return tf.reduce_min(y, 0), tf.reduce_max(y, 0)


@planar_case
def test_density_integrates_to_one(case):
    bijector = case.shared("float64")
    kwargs = case.kwargs(bijector, (), "float64")
    low, high = (end.numpy() for end in _ends(case, bijector, kwargs))
    axes = [a + (b - a) * (np.arange(CELLS) + 0.5) / CELLS for a, b in zip(low, high)]
    grid = tf.constant(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2))
    log_prob = case.distribution(bijector, "float64").log_prob(grid, bijector_kwargs=kwargs)
    total = np.exp(log_prob).sum() * np.prod((high - low) / CELLS)
    assert total == pytest.approx(1.0, abs=1e-3)
