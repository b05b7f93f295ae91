"""A user's own folder of images, good and bad."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfflows import datasets
from tfflows.datasets.images import image_files


def image(value, size=(8, 6), mode="RGB"):
    """Of one colour; `size` is `(height, width)`."""
    return Image.new(mode, size[::-1], value if mode == "L" else (value, 255 - value, 7))


@pytest.fixture
def folder(tmp_path):
    """Ten lossless images in two classes, red 10 k, and what is no image."""
    root = tmp_path / "photos"
    for k in range(10):
        place = root / ("b" if k % 2 else "a") / ("deep" if k == 4 else "")
        place.mkdir(parents=True, exist_ok=True)
        image(10 * k).save(place / f"{k}.{'png' if k < 5 else 'bmp'}")
    (root / "a" / "notes.txt").write_text("no image")
    (root / ".hidden").mkdir()
    return root


def joined(data):
    splits = ("train", "validation", "test")
    labels = None if data.num_classes is None else np.concatenate([data.context(split) for split in splits])
    return np.concatenate([data.examples(split) for split in splits]), labels


def test_subfolders_are_classes(folder):
    data = datasets.from_image_folder(folder)
    assert isinstance(data, datasets.Dataset)
    assert (data.name, data.image_shape, data.num_classes, data.class_names) == ("photos", (8, 6, 3), 2, ("a", "b"))
    x, labels = joined(data)
    assert (x.dtype, labels.dtype, data.discrete_levels) == (np.uint8, np.int32, 256)
    assert sorted(x[:, 0, 0, 0]) == [10 * k for k in range(10)]
    np.testing.assert_array_equal(labels, x[:, 0, 0, 0] // 10 % 2)
    np.testing.assert_array_equal(x[..., 1], 255 - x[..., 0])
    again, other = datasets.load(str(folder)), datasets.load(folder, seed=1)
    np.testing.assert_array_equal(again.train, data.train)
    assert not np.array_equal(other.train, data.train)


def test_labels_can_be_left_out(folder):
    data = datasets.from_image_folder(folder, labelled=False)
    assert data.context_train is None and data.num_classes is None
    image(200).save(folder / "loose.png")
    assert sum(data.num_examples(split) for split in ("train", "validation", "test")) == 10
    assert len(joined(datasets.from_image_folder(folder / "b"))[0]) == 5  # a folder without subfolders has no classes
    with pytest.raises(ValueError, match="pass labelled=False.*with 1 images beside them, the first 'loose.png'"):
        datasets.from_image_folder(folder)
    (folder / "loose.png").unlink()
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"each must hold an image.*with no image in \['empty'\]"):
        datasets.from_image_folder(folder)


@pytest.mark.parametrize("extension", ["png", "jpg", "JPEG", "webp", "bmp"])
def test_formats(tmp_path, extension):
    for k in range(3):
        image(100).save(tmp_path / f"{k}.{extension}")
    x = datasets.from_image_folder(tmp_path).train
    assert np.abs(x[0].astype(int) - (100, 155, 7)).max() <= 3  # lossy formats are close


def test_channels(tmp_path):
    for k in range(4):
        image(10 * k, mode="L").save(tmp_path / f"{k}.png")
    assert datasets.from_image_folder(tmp_path).image_shape == (8, 6, 1)
    colour = datasets.from_image_folder(tmp_path, channels=3)
    np.testing.assert_array_equal(colour.train[..., 0], colour.train[..., 2])
    image(100).save(tmp_path / "colour.png")
    assert datasets.from_image_folder(tmp_path).image_shape == (8, 6, 3)  # one in colour: all are
    grey = datasets.from_image_folder(tmp_path, channels=1)
    luminance = round(0.299 * 100 + 0.587 * 155 + 0.114 * 7)
    values = np.concatenate([grey.train, grey.validation, grey.test])[:, 0, 0, 0]
    assert sorted(values) == [0, 10, 20, 30, luminance]


def test_bad_files_are_named_before_training(folder):
    (folder / "a" / "corrupt.png").write_bytes(b"not a png")
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(256, size=(8, 6, 3)).astype(np.uint8)).save(whole, "png")
    (folder / "b" / "truncated.png").write_bytes(whole.getvalue()[:-60])
    image(0, size=(9, 6)).save(folder / "b" / "large.png")
    Image.fromarray(np.full([8, 6], 40_000, np.uint16)).save(folder / "a" / "deep.png")
    (folder / "a" / "empty.jpg").touch()
    with pytest.raises(ValueError, match="and one size; pass image_size= to resize, or on_error='skip'") as caught:
        datasets.from_image_folder(folder)
    message = str(caught.value)
    assert "with 5 of 15 that are not" in message
    assert "a/corrupt.png: UnidentifiedImageError" in message
    assert "a/empty.jpg: " in message and "b/truncated.png: " in message
    assert "a/deep.png: more than 8 bits a channel (mode I;16)" in message
    assert "b/large.png: 9 x 6 pixels, most are 8 x 6" in message
    with pytest.warns(UserWarning, match="left out 5 of 15 images: a/corrupt.png"):
        data = datasets.from_image_folder(folder, on_error="skip")
    x, labels = joined(data)
    assert sorted(x[:, 0, 0, 0]) == [10 * k for k in range(10)]
    np.testing.assert_array_equal(labels, x[:, 0, 0, 0] // 10 % 2)


def test_many_bad_files_are_counted(tmp_path):
    for k in range(25):
        (tmp_path / f"{k:02d}.png").write_bytes(b"")
    with pytest.raises(ValueError, match="with 25 of 25 that are not: 00.png.*09.png.*; and 15 more$"):
        datasets.from_image_folder(tmp_path)
    with pytest.warns(UserWarning, match="left out 25"), pytest.raises(ValueError, match="At least 3 images"):
        datasets.from_image_folder(tmp_path, on_error="skip")


def test_resizing_averages_the_middle(tmp_path):
    wide = np.zeros([4, 12, 3], np.uint8)
    wide[:, 4:8] = np.arange(16).reshape(4, 4)[..., None] * 10
    for k in range(3):
        Image.fromarray(wide).save(tmp_path / f"{k}.png")
    image(0, size=(5, 5)).save(tmp_path / "square.png")
    data = datasets.from_image_folder(tmp_path, image_size=2)
    assert data.image_shape == (2, 2, 3)
    x = np.concatenate([data.train, data.validation, data.test])
    expected = (np.arange(16).reshape(2, 2, 2, 2) * 10).mean(axis=(1, 3))
    assert sum(np.array_equal(each[..., 0], expected) for each in x) == 3
    assert datasets.from_image_folder(tmp_path, image_size=(2, 3)).image_shape == (2, 3, 3)


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to view
    image(50).save(tmp_path / "turned.png", exif=exif)
    assert image_files.read(tmp_path / "turned.png").shape == (6, 8, 3)


def test_large_folders_are_streamed(folder):
    memory, stream = datasets.from_image_folder(folder), datasets.from_image_folder(folder, memory_bytes=100)
    assert isinstance(stream, datasets.ImageStream)
    for name in ("name", "image_shape", "event_shape", "num_classes", "class_names", "discrete_levels", "description"):
        assert getattr(stream, name) == getattr(memory, name)
    read = stream.in_memory()
    for split in ("train", "validation", "test"):
        assert stream.num_examples(split) == memory.num_examples(split)
        np.testing.assert_array_equal(read.examples(split), memory.examples(split))
        np.testing.assert_array_equal(read.context(split), memory.context(split))
    pipeline = stream.batches("train", batch_size=3, seed=0, with_context=True, dequantize=False)
    assert pipeline.element_spec == (tf.TensorSpec((None, 8, 6, 3), tf.uint8), tf.TensorSpec((None,), tf.int32))
    epochs = [[(int(a[0, 0, 0]), int(b)) for x, y in pipeline for a, b in zip(x, y)] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) and epochs[0] != epochs[1]
    assert all(red // 10 % 2 == label for red, label in epochs[0])
    bare = datasets.from_image_folder(folder, labelled=False, memory_bytes=0)
    assert bare.train.element_spec == tf.TensorSpec((8, 6, 3), tf.uint8)
    with pytest.raises(ValueError, match="'photos' has no labels. Received: with_context=True"):
        bare.batches("train", batch_size=2, seed=0, with_context=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 4}, r"`channels` must be one of \[None, 1, 3\]. Received: 4"),
        ({"on_error": "ignore"}, r"`on_error` must be one of \['raise', 'skip'\]. Received: 'ignore'"),
        ({"image_size": 0}, "`image_size` must be .* Received: \\(0, 0\\)"),
        ({"image_size": (8, 8, 3)}, "`image_size` must be"),
    ],
)
def test_what_is_refused(folder, options, message):
    with pytest.raises(ValueError, match=message):
        datasets.from_image_folder(folder, **options)


def test_folders_without_images(tmp_path):
    with pytest.raises(ValueError, match=r"A folder must hold images \(.png, .*with none, and 0 other files"):
        datasets.from_image_folder(tmp_path)
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(ValueError, match="with none, and 1 other files"):
        datasets.load(tmp_path)
    with pytest.raises(ValueError, match="A folder of images is needed. Received: .*missing', which does not exist"):
        datasets.from_image_folder(tmp_path / "missing")
    with pytest.raises(ValueError, match="a.csv', which is a file"):
        datasets.from_image_folder(tmp_path / "a.csv")
    for k in range(2):
        image(k).save(tmp_path / f"{k}.png")
    with pytest.raises(ValueError, match="At least 3 images are needed. Received: .* with 2 that can be used"):
        datasets.from_image_folder(tmp_path)


def _png_of_16_bits(values, colour_type):
    """A PNG file of 16 bits a channel, `values` uint16 `[H, W, C]`, which Pillow does not write in colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_16_bits_a_channel_are_refused_in_every_mode(channels, colour_type, tmp_path):
    (tmp_path / "deep.png").write_bytes(_png_of_16_bits(np.full([4, 5, channels], 40_000, np.uint16), colour_type))
    with pytest.raises(ValueError, match="more than 8 bits a channel"):
        image_files.read(tmp_path / "deep.png")


@pytest.mark.parametrize("extension", ["gif", "webp", "png", "tiff"])
def test_several_frames_are_refused(extension, tmp_path):
    frames = [image(value) for value in (0, 50, 100)]
    frames[0].save(tmp_path / f"frames.{extension}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="3 frames"):
        image_files.read(tmp_path / f"frames.{extension}")
    image(50).save(tmp_path / f"one.{extension}")
    assert np.abs(image_files.read(tmp_path / f"one.{extension}").astype(int) - (50, 205, 7)).max() <= 3


def test_transparent_pixels_are_refused_and_an_opaque_channel_is_not(tmp_path):
    picture = image(100).convert("RGBA")
    picture.save(tmp_path / "opaque.png")
    assert (image_files.read(tmp_path / "opaque.png") == (100, 155, 7)).all()
    picture.putpixel((2, 3), (1, 2, 3, 254))
    picture.save(tmp_path / "glass.png")
    Image.new("P", (5, 4), 0).save(tmp_path / "palette.png", transparency=0)
    for name in ("glass.png", "palette.png"):
        with pytest.raises(ValueError, match="transparent pixels"):
            image_files.read(tmp_path / name)


def test_palettes_and_cmyk_give_their_colours(tmp_path):
    image(100).quantize(4).save(tmp_path / "palette.png")
    assert (image_files.read(tmp_path / "palette.png") == (100, 155, 7)).all()
    image(100).convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    assert np.abs(image_files.read(tmp_path / "print.jpg").astype(int) - (100, 155, 7)).max() <= 3
