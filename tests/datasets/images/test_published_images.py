"""Published image sets: mocked, and read from a prepared folder on disk."""

import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tfflows import datasets
from tfflows.datasets.images import published_images

SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "omniglot": (28, 28, 1), "celeb_a": (64, 64, 3)}
CLASSES = {"mnist": 10, "fashion_mnist": 10, "cifar10": 10, "cifar100": 100, "svhn_cropped": 10}


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    """A folder with a tiny MNIST, written by the real builder from 40 + 20 images of known pixels."""

    def split_generators(self, dl_manager):
        return {"train": images(40), "test": images(20)}

    def images(count):
        for k in range(count):
            yield k, {"image": np.full([28, 28, 1], 3 * k, np.uint8), "label": k % 10}

    folder = tmp_path_factory.mktemp("tfds")
    builder = tfds.builder("mnist", data_dir=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(builder), "_split_generators", split_generators)
        builder.download_and_prepare()
    return folder


@pytest.mark.parametrize("name", datasets.tfds_names())
def test_every_set_has_the_published_form(name, tmp_path):
    with tfds.testing.mock_data(num_examples=5):
        data = datasets.load(name.replace("_", "-"), data_dir=tmp_path)
        side = 64 if "64" in name or "lsun" in name else 32
        shape, classes = SHAPES.get(name, (side, side, 3)), CLASSES.get(name)
        classes = 1000 if name.startswith("imagenet_resized") else classes
        assert (data.image_shape, data.event_shape, data.num_classes) == (shape, shape, classes)
        assert data.discrete_levels == 256
        for split in ("train", "validation", "test"):
            assert data.num_examples(split) == 5
            spec = getattr(data, split).element_spec
            image = tf.TensorSpec(shape, tf.uint8)
            assert spec == (image if classes is None else (image, tf.TensorSpec((), tf.int64)))
            (batch,) = data.batches(split, batch_size=5, seed=0, with_context=classes is not None, dequantize=False)
            images, labels = (batch, None) if classes is None else batch
            assert (images.dtype, images.shape) == (tf.uint8, (5, *shape))
            if labels is not None:
                assert labels.dtype == tf.int32
                assert 0 <= labels.numpy().min() and labels.numpy().max() < classes
                assert len(data.class_names) == classes


def test_prepared_data_are_read_from_disk(on_disk):
    data = datasets.tfds_images("mnist", data_dir=on_disk, download=False, num_validation=10)
    assert [data.num_examples(split) for split in ("train", "validation", "test")] == [30, 10, 20]
    assert data.class_names == tuple("0123456789")
    seen = []
    for split in ("train", "validation"):
        for image, label in getattr(data, split):
            value = int(image[0, 0, 0])
            assert int(label) == value // 3 % 10 and np.all(image == value)
            seen.append(value // 3)
    assert sorted(seen) == list(range(40))  # validation is held out of train, and nothing is lost
    memory = data.in_memory()
    assert isinstance(memory, datasets.Dataset)
    assert (memory.train.shape, memory.train.dtype, memory.num_classes) == ((30, 28, 28, 1), np.uint8, 10)
    np.testing.assert_array_equal(memory.train[:, 0, 0, 0] // 3 % 10, memory.context_train)


def test_sizes_limit_the_splits_and_zero_validation_trains_on_everything(on_disk):
    data = datasets.tfds_images("mnist", data_dir=on_disk, num_train=7, num_validation=0, num_test=3)
    assert [data.num_examples(split) for split in ("train", "validation", "test")] == [7, 0, 3]
    assert data.validation is None
    with pytest.raises(ValueError, match="was loaded without that split. Received: split='validation'"):
        data.batches("validation", batch_size=2, seed=0)
    with pytest.raises(ValueError, match="All three splits are needed. Received: 'mnist' without validation"):
        data.in_memory()


@pytest.mark.parametrize("cache_bytes", [2**20, 0])
def test_batches_of_data_on_disk(on_disk, cache_bytes):
    data = datasets.tfds_images("mnist", data_dir=on_disk, num_validation=5, cache_bytes=cache_bytes)
    pipeline = data.batches("train", batch_size=8, seed=0, with_context=True, dequantize=False)
    assert int(pipeline.cardinality()) == 5

    def epoch(pipeline):
        batches = [(x[:, 0, 0, 0].numpy(), y.numpy()) for x, y in pipeline]
        assert [len(x) for x, _ in batches] == [8, 8, 8, 8, 3]
        values, labels = map(np.concatenate, zip(*batches))
        np.testing.assert_array_equal(values // 3 % 10, labels)
        return values

    first, second = epoch(pipeline), epoch(pipeline)
    assert sorted(first) == sorted(second) and len(set(first)) == 35
    assert not np.array_equal(first, second)
    again = data.batches("train", batch_size=8, seed=0, with_context=True, dequantize=False)
    np.testing.assert_array_equal(epoch(again), first)
    y = np.concatenate(list(data.batches("test", batch_size=8, seed=0, shuffle=False)))
    assert y.dtype == np.float32
    x = np.stack([image for image, _ in data.test.as_numpy_iterator()])
    np.testing.assert_array_equal(np.floor(y), x)
    assert 0.45 < (y - x).mean() < 0.55


def test_letters_are_white_on_black_averaged_over_areas():
    drawing = np.full([105, 105, 3], 255, np.uint8)
    drawing[:60] = 0  # ink on the upper 16 rows of 28
    letter = published_images.letters(tf.constant(drawing)).numpy()
    assert (letter.shape, letter.dtype) == ((28, 28, 1), np.uint8)
    assert (letter[:16] == 255).all() and (letter[16:] == 0).all()


def test_faces_are_the_published_crop_averaged_over_areas():
    rng = np.random.default_rng(0)
    image = rng.integers(256, size=(218, 178, 3)).astype(np.uint8)
    face = published_images.faces(tf.constant(image)).numpy()
    assert (face.shape, face.dtype) == ((64, 64, 3), np.uint8)
    # the area average, written as a product with the overlaps of 148 pixels and 64 intervals
    edges = np.arange(65) * 148 / 64
    overlap = np.clip(
        np.minimum(edges[1:, None], np.arange(1, 149)) - np.maximum(edges[:-1, None], np.arange(148)), 0, 1
    )
    overlap /= overlap.sum(axis=1, keepdims=True)
    expected = np.einsum("ih,jw,hwc->ijc", overlap, overlap, image[40:188, 15:163].astype(float))
    assert np.abs(face - expected).max() <= 0.51


def test_scenes_have_a_smaller_side_of_96_and_train_on_fresh_parts(tmp_path):
    assert published_images.scenes(tf.zeros([256, 341, 3], tf.uint8)).shape == (96, 128, 3)
    assert published_images.scenes(tf.zeros([400, 256, 3], tf.uint8)).shape == (150, 96, 3)
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None], (96, 96, 3))

    def two(self, **_):
        return tf.data.Dataset.from_tensors({"image": tf.constant(ramp)}).repeat(2)

    with tfds.testing.mock_data(as_dataset_fn=two):
        data = datasets.tfds_images("lsun/tower", data_dir=tmp_path)
        tops = {}
        for split in ("train", "test"):
            pipeline = data.batches(split, batch_size=2, seed=0, dequantize=False)
            tops[split] = [np.concatenate([x[:, 0, 0, 0] for x in pipeline]) for _ in range(2)]
    assert not np.array_equal(*tops["train"])
    np.testing.assert_array_equal(*map(np.sort, tops["test"]))  # the same parts, in another order
    assert max(np.max(each) for both in tops.values() for each in both) <= 96 - 64


def test_published_changes_are_named_by_recipe():
    recipes = {name: published_images._SETS[name].augmentations for name in datasets.tfds_names()}
    assert recipes["cifar10"] == {"real_nvp": ("flip",), "glow": ("shift",)}
    assert recipes["celeb_a"] == recipes["lsun_tower"] == {"real_nvp": ("flip",)}
    assert recipes["downsampled_imagenet_32x32"] == {}


def test_unknown_names_get_near_misses():
    with pytest.raises(ValueError, match="Unknown image set. Did you mean 'cifar10'.*Received: 'cifar'"):
        datasets.tfds_images("cifar")
    with pytest.raises(ValueError, match="Unknown data set. Did you mean 'celeb_a'"):
        datasets.load("celeba")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_train": 0}, "`num_train` must be an integer of at least 1. Received: 0"),
        ({"num_validation": -1}, "`num_validation` must be an integer of at least 0"),
        ({"num_test": 2.5}, "`num_test` must be an integer of at least 1"),
        ({"num_validation": 40}, "must leave examples to train on. Received: num_validation=40 of 40 in 'mnist'"),
        ({}, "must leave examples to train on. Received: num_validation=5000"),
    ],
)
def test_sizes_out_of_range_are_refused(on_disk, options, message):
    with pytest.raises(ValueError, match=message):
        datasets.tfds_images("mnist", data_dir=on_disk, **options)


def test_data_that_are_not_there_are_named_when_they_may_not_be_fetched(tmp_path):
    with pytest.raises(FileNotFoundError, match="pass download=True to fetch them. Received: 'cifar10'"):
        datasets.tfds_images("cifar10", data_dir=tmp_path, download=False)


def test_the_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match="'mnist' is read by TensorFlow Datasets: pip install tensorflow-datasets"):
        datasets.load("mnist")
