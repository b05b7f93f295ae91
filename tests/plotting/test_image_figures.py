"""Figures of images: every pixel where it belongs, rows and columns named."""

import numpy as np
import pytest

from tfflows import plotting
from tfflows.ops import grids


def _saved(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png", dpi=50)
    return (tmp_path / "figure.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def _pixels(axes):
    return np.asarray(axes.images[0].get_array())


def _images(*shape, seed=0, levels=256):
    return np.random.default_rng(seed).integers(levels, size=shape)


def test_tiles_in_reading_order_with_lines_between():
    images = _images(5, 2, 3, 3)
    picture = grids.tile(images, 2, background=7)
    assert picture.shape == (3 * 3 - 1, 2 * 4 - 1, 3)
    for k, image in enumerate(images):
        top, left = 3 * (k // 2), 4 * (k % 2)
        np.testing.assert_array_equal(picture[top : top + 2, left : left + 3], image)
    assert (picture[2] == 7).all() and (picture[:, 3] == 7).all() and (picture[6:, 4:] == 7).all()


def test_bytes_span_the_range_and_pictures_are_enlarged_to_be_seen():
    assert grids.to_bytes([-5, 0, 8, 16, 99], 0, 16).tolist() == [0, 0, 128, 255, 255]
    picture = grids.picture(np.full([2, 8, 8, 1], 16), 0, 16, 2)
    assert picture.shape == (32, 66, 1) and picture.dtype == np.uint8 and (picture == 255).all()
    assert grids.picture(np.zeros([1, 40, 40, 3]), 0, 1, 1).shape == (40, 40, 3)


def test_colour_images_above_samples(tmp_path):
    data, samples = _images(5, 4, 4, 3), _images(5, 4, 4, 3, seed=1)
    figure = plotting.images_figure(data, samples, levels=256, rows=2, columns=2)
    above, below = figure.axes
    np.testing.assert_array_equal(_pixels(above)[5:, 5:], data[3])
    np.testing.assert_array_equal(_pixels(below)[:4, :4], samples[0])
    assert (above.get_title(loc="left"), below.get_title(loc="left")) == ("data", "samples of the flow")
    assert _saved(figure, tmp_path)


def test_rows_are_labelled_at_their_middle(tmp_path):
    images = _images(3, 4, 2, 2, 1, levels=17)
    figure = plotting.image_rows_figure(images, [0.5, 0.7, 1.0], levels=17, ylabel="temperature", title="draws")
    (axes,) = figure.axes
    np.testing.assert_array_equal(_pixels(axes)[3:5, 6:8], grids.to_bytes(images[1, 2, ..., 0], 0, 16))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0.5", "0.7", "1.0"]
    np.testing.assert_allclose(axes.get_yticks(), [0.5, 3.5, 6.5])
    assert axes.get_ylabel() == "temperature" and axes.get_title(loc="left") == "draws"
    assert _saved(figure, tmp_path)


def test_real_ends_are_framed_and_the_way_lies_between(tmp_path):
    first, second = _images(2, 3, 3, 1), _images(2, 3, 3, 1, seed=1)
    between = _images(2, 4, 3, 3, 1, seed=2)
    figure = plotting.interpolations_figure(first, second, between, levels=256, labels=["a", "b"])
    (axes,) = figure.axes
    pixels = _pixels(axes)
    np.testing.assert_array_equal(pixels[4:7, :3], first[1, ..., 0])
    np.testing.assert_array_equal(pixels[4:7, 20:], second[1, ..., 0])
    np.testing.assert_array_equal(pixels[:3, 8:11], between[0, 1, ..., 0])
    corners = sorted(patch.get_xy() for patch in axes.patches)
    assert corners == [(-0.5, -0.5), (-0.5, 3.5), (19.5, -0.5), (19.5, 3.5)]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["real", "real"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert _saved(figure, tmp_path)


def test_reconstructions_show_the_error_of_every_pixel(tmp_path):
    images = _images(3, 2, 2, 3).astype("uint8")
    again = images.copy()
    again[1, 0, 1] = images[1, 0, 1] ^ 6
    figure = plotting.reconstructions_figure(images, again, levels=256, title="all exact but one")
    real, decoded, errors, scale = figure.axes
    np.testing.assert_array_equal(_pixels(real)[:, 3:5], images[1])
    np.testing.assert_array_equal(_pixels(decoded)[:, 3:5], again[1])
    expected = np.abs(again[1].astype(int) - images[1]).mean(axis=-1)
    np.testing.assert_allclose(_pixels(errors)[:, 3:5], expected)
    assert expected[0, 1] > 0 and not _pixels(errors)[:, :2].any()
    assert scale.get_ylabel() == "levels" and real.get_title(loc="left") == "all exact but one"
    assert _saved(figure, tmp_path)
    given = np.full(images.shape, 0.25)
    assert (_pixels(plotting.reconstructions_figure(images, again, given).axes[2])[:, :2] == 0.25).all()


def test_training_in_bits_is_that_in_nats_over_the_size():
    nats = plotting.training_figure([400.0, 300.0], [500.0, 350.0], best_epoch=2)
    bits = plotting.training_figure([400.0, 300.0], [500.0, 350.0], best_epoch=2, num_dims=64)
    for one, other in zip(nats.axes[0].lines, bits.axes[0].lines, strict=True):
        np.testing.assert_allclose(one.get_ydata(), np.multiply(other.get_ydata(), 64 * np.log(2)))
    assert bits.axes[0].get_ylabel() == "bits per dimension" and "nats" in nats.axes[0].get_ylabel()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grids.tile(np.zeros([3, 4, 4]), 2), "Images"),
        (lambda: plotting.images_figure(np.zeros([3, 4, 4, 2]), np.zeros([3, 4, 4, 2])), "1 or 3"),
        (lambda: plotting.images_figure(np.zeros([3, 4, 4, 1]), np.zeros([3, 4, 5, 1])), "one shape"),
        (lambda: plotting.images_figure(np.full([1, 2, 2, 1], np.nan), np.zeros([1, 2, 2, 1])), "4 non-finite"),
        (lambda: plotting.image_rows_figure(np.zeros([2, 3, 4, 4, 1]), ["a"]), "one label per row"),
        (
            lambda: plotting.interpolations_figure(*np.zeros([2, 1, 4, 4, 1]), np.zeros([2, 3, 4, 4, 1])),
            "`between` must be",
        ),
        (lambda: plotting.reconstructions_figure(np.zeros([2, 4, 4, 1]), np.zeros([3, 4, 4, 1])), "As many images"),
        (
            lambda: plotting.reconstructions_figure(*np.zeros([2, 2, 4, 4, 1]), np.zeros([1, 4, 4, 1])),
            "Errors of every pixel",
        ),
    ],
)
def test_bad_arrays_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
