"""Crops of other pictures, and the grey patches that they are shown beside."""

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_digits

from tfflows import datasets
from tfflows.datasets.images import photographs
from tfflows.datasets.images.crops import CROPS


@pytest.mark.parametrize("name", CROPS)
def test_crops_are_grey_bytes_in_an_order_of_the_seed(name):
    crops, others = (datasets.image_crops(name, num_crops=200, seed=seed) for seed in (0, 1))
    assert crops.dtype == np.uint8 and crops.shape == (200, 16, 16, 1) == others.shape
    assert not np.array_equal(crops, others)
    np.testing.assert_array_equal(crops[:50], datasets.image_crops(name, num_crops=50))


def test_crops_are_parts_of_their_pictures():
    page, text = skimage.data.page(), skimage.data.text()
    found = {crop.tobytes() for crop in datasets.image_crops("text", patch_size=20)}
    assert len(found) == sum((h // 20) * (w // 20) for h, w in (page.shape, text.shape))
    assert page[20:40, 40:60].tobytes() in found and text[:20, :20].tobytes() in found
    grey = np.asarray(Image.fromarray(skimage.data.retina()).convert("L"))
    assert grey[225:241, 225:241].tobytes() in {
        crop.tobytes() for crop in datasets.image_crops("retina", num_crops=9999)
    }


def test_faces_and_digits_are_whole_where_they_fit():
    faces = {face.tobytes() for face in datasets.image_crops("faces", patch_size=25)}
    assert np.round(255 * skimage.data.lfw_subset()[7]).astype(np.uint8).tobytes() in faces and len(faces) == 100
    digits = datasets.image_crops("digits", patch_size=8, num_crops=5000)
    assert len(digits) == 1797 and digits.max() == 240
    assert (15 * load_digits().images[3]).astype(np.uint8).tobytes() in {digit.tobytes() for digit in digits}


def test_grey_patches_are_the_luminance_of_the_coloured_ones():
    coloured, grey = (datasets.natural_patches(channels=channels, stride=50) for channels in (3, 1))
    assert grey.train.shape == (*coloured.train.shape[:3], 1) and grey.discrete_levels == 256
    luminance = coloured.test @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey.test[..., 0], luminance, atol=0.51)
    assert photographs.grey(np.eye(9, dtype=np.uint8)).shape == (9, 9, 1)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: datasets.image_crops("sun"), "`name` must be one of .*'stars'.*. Received: 'sun'"),
        (lambda: datasets.image_crops("moon", patch_size=26), "`patch_size` must be an integer from 8 to 25"),
        (lambda: datasets.image_crops("moon", num_crops=0), "`num_crops` must be an integer of at least 1"),
        (lambda: datasets.natural_patches(channels=2), r"`channels` must be one of \[1, 3\]. Received: 2"),
    ],
)
def test_what_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
