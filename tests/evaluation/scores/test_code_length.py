"""Lengths of real files, and how well they measure complexity."""

import io
import struct

import numpy as np
import pytest
import scipy.stats
from PIL import Image, features

from tfflows.evaluation import scores
from tfflows.evaluation.scores.code_length import encoded


def noises(side, count=60, channels=1):
    """Noise around grey of a standard deviation that differs by image, and the entropies of its pixels in bits."""
    rng = np.random.default_rng(0)
    scales = np.exp(rng.uniform(np.log(0.3), np.log(20), count))
    x = np.round(128 + scales[:, None, None, None] * rng.normal(size=(count, side, side, channels)))
    levels = np.arange(-150, 151)
    edges = scipy.stats.norm.cdf((levels[:, None] + [-0.5, 0.5])[None] / scales[:, None, None])
    return np.clip(x, 0, 255).astype("uint8"), scipy.stats.entropy(np.diff(edges)[..., 0], base=2, axis=1)


@pytest.mark.parametrize("codec", ["png", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 40])
def test_lengths_are_those_of_files_that_give_the_image_back(codec, channels, side):
    images = noises(side, 3, channels)[0]
    for image, bits in zip(images, scores.code_lengths(images, codec)):
        data = encoded(image, codec)
        back = np.asarray(Image.open(io.BytesIO(data)).convert("L" if channels == 1 else "RGB"))
        np.testing.assert_array_equal(back.reshape(image.shape), image)
        assert bits == 8 * len(data)
        if codec == "webp":  # what the container says of itself
            assert struct.unpack("<I", data[4:8])[0] + 8 == len(data) and data[12:16] == b"VP8L"


def test_the_best_is_the_shorter_and_no_code_is_below_the_entropy():
    images, entropies = noises(32)
    png, webp, best = (scores.code_lengths(images, codec) for codec in ("png", "webp", "best"))
    np.testing.assert_array_equal(best, np.minimum(png, webp))
    assert (best > 1024 * entropies - 5 * 32).all()  # less by chance only: five deviations of the sum


def test_small_images_need_webps_slowest_method():
    """With Pillow's default the code of 8 x 8 pixels hardly says how complex they are."""
    images, entropies = noises(8)
    fine = scores.code_lengths(images, "webp")
    default = [len(encoded(image, "webp", method=4)) for image in images]
    assert scipy.stats.spearmanr(fine, entropies)[0] > 0.97
    assert scipy.stats.spearmanr(default, entropies)[0] < 0.9


@pytest.mark.parametrize(
    "images",
    [np.zeros([2, 8, 8, 2], int), np.zeros([8, 8, 1], int), np.full([1, 8, 8, 1], 256), np.zeros([0, 8, 8, 1])],
)
def test_what_no_file_of_bytes_holds_is_refused(images):
    with pytest.raises(ValueError, match=r"integer images .* 1 or 3 channels and levels below 256. Received: "):
        scores.code_lengths(images)


def test_a_pillow_without_webp_is_named(monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(ValueError, match='must be "png" where Pillow is built without WebP'):
        scores.code_lengths(np.zeros([1, 8, 8, 1], int), "webp")
