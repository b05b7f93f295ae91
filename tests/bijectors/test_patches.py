"""Patches of images as tokens."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import Patches


@pytest.mark.parametrize("size", [1, 2, 4])
def test_tokens_are_patches_row_by_row(size):
    image, patches = np.arange(4 * 8 * 3.0).reshape(4, 8, 3), Patches((4, 8, 3), size)
    tokens = patches.inverse(tf.constant(image)).numpy()
    expected = [
        image[i : i + size, j : j + size].ravel() for i in range(0, 4, size) for j in range(0, 8, size)
    ]  # fmt: skip
    np.testing.assert_array_equal(tokens, expected)
    np.testing.assert_array_equal(patches.forward(tf.identity(tokens)), image)
    assert patches.forward(tf.zeros([2, 0, *patches.token_shape])).shape == (2, 0, 4, 8, 3)


def test_bad_input():
    for size in (0, 1.5, None):
        with pytest.raises(ValueError, match="`patch_size` must be an integer of at least 1. Received"):
            Patches((4, 4, 1), size)
    with pytest.raises(ValueError, match=r"multiples of the patch size, 3. Received: \(6, 4, 1\)"):
        Patches((6, 4, 1), 3)
    with pytest.raises(ValueError, match="all known. Received"):
        Patches((None, 4, 1), 2)
    with pytest.raises(ValueError, match=r"events of shape \(4, 4, 1\). Received: shape \(2, 4, 6, 1\)"):
        Patches((4, 4, 1), 2).inverse(tf.zeros([2, 4, 6, 1]))
    with pytest.raises(ValueError, match=r"events of shape \(4, 4\). Received: shape \(4, 5\)"):
        Patches((4, 4, 1), 2).forward(tf.zeros([4, 5]))
