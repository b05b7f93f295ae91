"""Static binarisation: probabilities, repetition, what is kept."""

import numpy as np
import pytest

from tfflows import datasets
from tfflows.datasets import Dataset, binarized


def test_ones_come_with_the_grey_level():
    x = np.tile(np.array([0, 4, 8, 16], np.uint8), (20_000, 1))
    data = binarized(Dataset("levels", x, x[:10], x[:10], discrete_levels=17))
    np.testing.assert_allclose(data.train.mean(axis=0), [0, 0.25, 0.5, 1], atol=0.015)
    assert (data.train[:, 0] == 0).all() and (data.train[:, 3] == 1).all()


def test_repeats_by_seed_and_splits_differ():
    digits = datasets.digits()
    first, again, other = binarized(digits), binarized(digits), binarized(digits, seed=1)
    np.testing.assert_array_equal(first.train, again.train)
    assert (first.test != other.test).any()
    same = np.full([50, 30], 8, np.uint8)
    data = binarized(Dataset("same", same, same, same, discrete_levels=17))
    assert (data.train != data.test).any() and (data.validation != data.test).any()


def test_the_rest_is_kept():
    digits = datasets.digits(as_images=True)
    data = binarized(digits)
    assert data.image_shape == (8, 8, 1) and data.train.dtype == np.uint8 and data.num_classes == 10
    np.testing.assert_array_equal(data.context_train, digits.context_train)


def test_continuous_data_are_refused():
    with pytest.raises(ValueError, match="discrete values is needed, in memory. Received: 'wine'"):
        binarized(datasets.wine())
