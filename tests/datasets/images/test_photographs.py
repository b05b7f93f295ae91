"""Patches of real photographs, split by photograph."""

import hashlib
import sys

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from tfflows import datasets
from tfflows.datasets.images import photographs


@pytest.fixture(scope="module")
def patches():
    return datasets.natural_patches()


def test_face(patches):
    assert patches.image_shape == patches.event_shape == (32, 32, 3)
    assert [patches.num_examples(split) for split in ("train", "validation", "test")] == [7984, 975, 1768]
    assert {patches.examples(split).dtype.name for split in ("train", "validation", "test")} == {"uint8"}
    assert (patches.discrete_levels, patches.num_classes, patches.context_train) == (256, None, None)


def test_pinned_to_the_byte_and_by_statistics(patches):
    # PNG decodes to the same bytes everywhere, JPEG may differ by a level between decoders.
    digests = [hashlib.sha256(patches.examples(split).tobytes()).hexdigest()[:16] for split in ("validation", "test")]
    assert digests == ["311152de2e889407", "6d9aa3ea6684eaed"]
    assert patches.train.mean() == pytest.approx(97.966, abs=0.1)
    assert patches.train.std() == pytest.approx(76.974, abs=0.1)


def test_every_patch_is_in_its_photograph_and_no_photograph_in_two_splits(patches):
    names = [name for split in photographs.PHOTOGRAPHS.values() for name in split]
    assert len(set(names)) == len(names) == 6
    coffee = photographs.photograph("coffee")
    corners = [(top, left) for top in range(0, 400 - 31, 11) for left in range(0, 600 - 31, 11)]
    expected = {coffee[top : top + 32, left : left + 32].tobytes() for top, left in corners}
    found = {patch.tobytes() for patch in patches.test}
    assert found == expected and len(corners) == len(patches.test)
    train = {patch.tobytes() for patch in patches.train}
    assert load_sample_image("china.jpg")[:32, 11:43].tobytes() in train
    assert not train & found and not train & {patch.tobytes() for patch in patches.validation}


def test_most_patches_are_not_flat(patches):
    for split in ("train", "validation", "test"):
        deviations = patches.examples(split).reshape(patches.num_examples(split), -1).std(axis=1)
        assert (deviations > 4).mean() > 0.85


def test_the_seed_decides_the_order_alone(patches):
    again, other = datasets.natural_patches(), datasets.load("natural-patches", seed=1)
    np.testing.assert_array_equal(again.test, patches.test)
    assert not np.array_equal(other.test, patches.test)
    assert sorted(patch.tobytes() for patch in other.test) == sorted(patch.tobytes() for patch in patches.test)


def test_sizes_and_strides():
    data = datasets.natural_patches(patch_size=64, stride=64)
    assert data.train.shape[1:] == (64, 64, 3)
    assert len(data.test) == (400 // 64) * (600 // 64)


def test_cut_goes_in_reading_order():
    image = np.arange(5 * 7 * 2).reshape(5, 7, 2)
    patches = photographs.cut(image, 3, 2)
    assert patches.shape == (2 * 3, 3, 3, 2)
    np.testing.assert_array_equal(patches[4], image[2:5, 2:5])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 0}, "`patch_size` must be an integer from 1 to 300. Received: 0"),
        ({"patch_size": 301}, "`patch_size` must be an integer from 1 to 300"),
        ({"stride": 1.5}, "`stride` must be an integer of at least 1. Received: 1.5"),
        ({"stride": True}, "`stride` must be an integer"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.natural_patches(**options)


def test_missing_libraries_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(ImportError, match="comes with scikit-image: pip install scikit-image"):
        datasets.natural_patches()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="comes with scikit-learn: pip install scikit-learn"):
        photographs.photograph("china")
