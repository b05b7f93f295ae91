"""Random changes of batches: what they do to each image, and that epochs differ."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import datasets
from tfflows.datasets.dataset import Dataset
from tfflows.datasets.images import augmentation


def images(n=400):
    return np.random.default_rng(0).integers(256, size=(n, 20, 20, 3)).astype(np.uint8)


def dataset():
    x = images(30)
    return Dataset("images", x, x[:5], x[:5], discrete_levels=256)


def test_half_the_images_are_mirrored():
    x = images()
    y = augmentation.flipped(tf.constant(x), [1, 2]).numpy()
    mirrored = np.array([np.array_equal(b, a[:, ::-1]) for a, b in zip(x, y)])
    same = np.array([np.array_equal(b, a) for a, b in zip(x, y)])
    assert np.all(mirrored ^ same)
    assert 150 < mirrored.sum() < 250  # 5 standard deviations of a fair coin


def test_shifts_reach_a_tenth_in_both_directions_and_repeat_the_edge():
    x = images()
    y = augmentation.shifted(tf.constant(x), [1, 2]).numpy()
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    found = set()
    for before, after in zip(padded, y):
        windows = {(i, j): before[i : i + 20, j : j + 20] for i in range(5) for j in range(5)}
        (match,) = [key for key, window in windows.items() if np.array_equal(window, after)]
        found.add(match)
    assert found == {(i, j) for i in range(5) for j in range(5)}


def test_noise_stays_within_the_level():
    x = np.repeat(np.arange(256, dtype=np.uint8), 400)
    y = augmentation.dequantized(tf.constant(x), [1, 2]).numpy()
    assert y.dtype == np.float32
    np.testing.assert_array_equal(np.floor(y), x)
    assert abs((y - x).mean() - 0.5) < 5 / np.sqrt(12 * len(x))


def test_batches_come_as_integers_for_models_that_dequantize_themselves():
    data = dataset()
    pipeline = data.batches("train", batch_size=8, seed=0, dequantize=False)
    assert pipeline.element_spec == tf.TensorSpec((None, 20, 20, 3), tf.uint8)
    x = np.concatenate(list(pipeline))
    assert sorted(each.tobytes() for each in x) == sorted(each.tobytes() for each in data.train)
    digits = datasets.digits().batches("test", batch_size=8, seed=0, dequantize=False, with_context=True)
    assert digits.element_spec[0] == tf.TensorSpec((None, 64), tf.int32)


@pytest.mark.parametrize("dequantize", [True, False])
def test_augmented_epochs_differ_and_repeat_with_the_seed(dequantize):
    data = dataset()

    def epochs(seed):
        pipeline = data.batches(
            "train", batch_size=8, seed=seed, shuffle=False, augment=("flip", "shift"), dequantize=dequantize
        )
        assert int(pipeline.cardinality()) == 4
        return [np.concatenate(list(pipeline)) for _ in range(2)]

    first, second = epochs(0)
    assert first.dtype == (np.float32 if dequantize else np.uint8)
    assert not np.array_equal(np.floor(first), np.floor(second))
    again = epochs(0)
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])
    assert not np.array_equal(first, epochs(1)[0])


def test_labels_stay_with_their_images():
    data = datasets.digits(as_images=True)
    pipeline = data.batches(
        "test", batch_size=50, seed=0, with_context=True, shuffle=False, dequantize=False, augment="flip"
    )
    x, labels = (np.concatenate(part) for part in zip(*pipeline))
    np.testing.assert_array_equal(labels, data.context_test)
    for before, after in zip(data.test, x):
        assert np.array_equal(after, before) or np.array_equal(after, before[:, ::-1])


def test_what_is_refused():
    with pytest.raises(ValueError, match="`augment` must hold names among flip, shift. Received: augment='turn'"):
        dataset().batches("train", batch_size=2, seed=0, augment="turn")
    with pytest.raises(ValueError, match="Only discrete images are augmented. Received: augment=.* for 'digits'"):
        datasets.digits().batches("train", batch_size=2, seed=0, augment="flip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.astype(np.float32), r"discrete `train` must be integers in \[0, 256\). Received: float32 array"),
        (lambda x: x.astype(np.int32) - 1, r"integers in \[0, 256\). Received: int32 array.*values -1 to"),
        (lambda x: x.astype(np.int32) + 1, "values 1 to 256"),
    ],
)
def test_pixels_that_are_no_levels_are_refused(change, message):
    x = change(images(10))
    with pytest.raises(ValueError, match=message):
        Dataset("images", x, x, x, discrete_levels=256)


def test_integers_without_levels_are_refused():
    x = images(10)
    with pytest.raises(ValueError, match="must be float32; integers need `discrete_levels`. Received: uint8 array"):
        Dataset("images", x, x, x)
