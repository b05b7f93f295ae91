"""Masks over vector events, and what is refused as a mask."""

import numpy as np
import pytest

from tfflows.ops import masks


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_half_copies_the_first_half(size):
    mask = masks.half(size)
    assert mask.dtype == bool and mask.shape == (size,)
    assert mask.tolist() == sorted(mask.tolist(), reverse=True)
    assert mask.sum() in (size // 2, (size + 1) // 2)


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_alternating_copies_even_entries(size):
    assert masks.alternating(size).tolist() == [i % 2 == 0 for i in range(size)]


@pytest.mark.parametrize("make", [masks.half, masks.alternating])
def test_flip_swaps_the_roles(make):
    np.testing.assert_array_equal(make(5, flip=True), ~make(5))


@pytest.mark.parametrize("make", [masks.half, masks.alternating])
@pytest.mark.parametrize("size", [1, 0, -3])
def test_too_small_an_event_is_refused(make, size):
    with pytest.raises(ValueError, match=f"at least 2 entries.*Received: size={size}"):
        make(size)


@pytest.mark.parametrize("mask", [[1, 0], [True, False], np.array([[1.0, 0.0]]), np.array([0, 1], "uint8")])
def test_checked_gives_booleans(mask):
    checked = masks.checked(mask)
    assert checked.dtype == bool and checked.shape == np.shape(mask)
    np.testing.assert_array_equal(checked, np.asarray(mask) == 1)


def test_checked_does_not_alias_its_argument():
    mask = np.array([True, False])
    masks.checked(mask)[0] = False
    assert mask[0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (1, "rank 1 or more. Received: the scalar 1"),
        ([1, 1], "Received: all ones"),
        ([0, 0, 0], "Received: all zeros"),
        ([0, 1, 2], r"only 0 \(transformed\) and 1 \(copied\)"),
        ([0.5, 1.0], "only 0"),
        ([np.nan, 1.0], "only 0"),
    ],
)
def test_no_mask_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        masks.checked(mask)


def test_another_event_shape_is_refused():
    with pytest.raises(ValueError, match=r"event's shape \(3,\). Received: shape \(2,\)"):
        masks.checked([1, 0], event_shape=(3,))
    assert masks.checked([1, 0, 0], event_shape=(3,)).sum() == 1


def test_checkerboard():
    mask = masks.checkerboard((2, 3, 2))
    np.testing.assert_array_equal(mask[..., 0], [[True, False, True], [False, True, False]])
    np.testing.assert_array_equal(mask[..., 0], mask[..., 1])
    np.testing.assert_array_equal(masks.checkerboard((2, 3, 2), flip=True), ~mask)


def test_channel_half():
    mask = masks.channel_half((2, 2, 3))
    assert mask.shape == (2, 2, 3) and mask[0, 1].tolist() == [True, True, False]
    np.testing.assert_array_equal(masks.channel_half((2, 2, 3), flip=True), ~mask)
