import numpy as np
import pytest
import sklearn.datasets

from tfflows import datasets


def joined(data):
    return [np.concatenate([getattr(data, p + s) for s in ("train", "validation", "test")]) for p in ("", "context_")]


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"),
    [("digits", 1797, 64, 10), ("wine", 178, 13, 3), ("breast_cancer", 569, 30, 2)],
)
def test_nothing_is_dropped_and_labels_stay_with_their_rows(name, rows, columns, classes):
    data = getattr(datasets, name)()
    x, labels = joined(data)
    assert x.shape == (rows, columns)
    assert (data.event_shape, data.num_classes, len(data.columns)) == ((columns,), classes, columns)
    assert len(data.class_names) == classes
    assert labels.dtype == np.int32
    source = getattr(sklearn.datasets, f"load_{name}")()
    original = np.column_stack([source.data.astype(x.dtype), source.target])
    ours = np.column_stack([x, labels])
    order = [np.lexsort(table.T) for table in (ours, original)]
    np.testing.assert_allclose(ours[order[0]], original[order[1]], rtol=1e-6)


@pytest.mark.parametrize("name", ["digits", "wine", "breast_cancer"])
def test_split_follows_the_seed(name):
    load = getattr(datasets, name)
    np.testing.assert_array_equal(load(seed=1).test, load(seed=1).test)
    assert not np.array_equal(load(seed=1).test, load(seed=2).test)
    assert len(load(fractions=(0.5, 0.25, 0.25)).test) == round(len(joined(load())[0]) / 4)


def test_digits_are_integer_levels_and_images():
    data = datasets.digits()
    assert data.discrete_levels == 17
    for split in (data.train, data.validation, data.test):
        assert split.dtype == np.int32
        assert split.min() == 0
        assert split.max() == 16
    y = data.dequantized("train", seed=0)
    assert 0 <= y.min()
    assert 16 < y.max() < 17
    np.testing.assert_array_equal(np.floor(y), data.train)
    # corners of the picture are nearly always empty, its middle hardly ever: the pixels are in reading order
    means = data.train.reshape(-1, 8, 8).mean(axis=0)
    assert means[0, 0] < 0.1
    assert means[4, 3] > 5
    assert (data.columns[0], data.columns[8]) == ("pixel_0_0", "pixel_1_0")


def test_continuous_sets_are_in_their_own_units():
    wine = datasets.wine()
    assert wine.discrete_levels is None
    assert wine.train.dtype == np.float32
    assert 11 < wine.train[:, wine.columns.index("alcohol")].mean() < 15
    assert datasets.breast_cancer().class_names == ("malignant", "benign")


def test_digits_as_images_are_the_same_digits():
    vectors, images = datasets.digits(), datasets.load("digits", as_images=True)
    assert (images.image_shape, images.discrete_levels, images.columns) == ((8, 8, 1), 17, None)
    assert vectors.image_shape is None
    for split in ("train", "validation", "test"):
        assert images.examples(split).dtype == np.uint8
        np.testing.assert_array_equal(images.examples(split).reshape(-1, 64), vectors.examples(split))
        np.testing.assert_array_equal(images.context(split), vectors.context(split))
