"""Splits, dequantization, and the pipeline that feeds training."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfflows.datasets.dataset import Dataset


def continuous(n=23, **changes):
    x = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return Dataset("numbers", x, x[:5] + 100, x[:7] + 200, **changes)


def discrete(n=2000, levels=17):
    rng = np.random.default_rng(0)
    splits = [rng.integers(levels, size=(size, 3)).astype(np.int32) for size in (n, 50, 60)]
    return Dataset("levels", *splits, discrete_levels=levels)


def labelled():
    labels = [np.arange(n, dtype=np.int32) % 3 for n in (23, 5, 7)]
    return continuous(context_train=labels[0], context_validation=labels[1], context_test=labels[2], num_classes=3)


def rows(pipeline):
    return np.concatenate([batch.numpy() for batch in pipeline])


def test_splits_are_reached_by_name():
    data = labelled()
    assert data.event_shape == (2,)
    assert data.examples("test") is data.test
    assert data.context("validation") is data.context_validation
    assert continuous().context("train") is None
    with pytest.raises(
        ValueError, match=r"`split` must be one of \['train', 'validation', 'test'\]. Received: 'valid'"
    ):
        data.examples("valid")


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        continuous().train = None


def test_dequantization_adds_uniform_noise_within_the_level():
    data = discrete()
    y = data.dequantized("train", seed=1)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(np.floor(y), data.train)
    noise = (y - data.train).ravel()
    assert noise.mean() == pytest.approx(0.5, abs=5 / np.sqrt(12 * noise.size))
    assert noise.var() == pytest.approx(1 / 12, abs=0.005)
    np.testing.assert_array_equal(y, data.dequantized("train", seed=1))
    assert not np.array_equal(y, data.dequantized("train", seed=2))
    validation, test = data.dequantized("validation", seed=1), data.dequantized("test", seed=1)
    assert not np.isclose(validation % 1, test[:50] % 1).any(axis=1).all()


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_dequantization_never_rounds_up_to_the_next_level(monkeypatch, levels):
    class Highest:
        def random(self, shape, dtype):
            return np.full(shape, 1 - 2.0**-24, dtype)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Highest())
    data = Dataset("top", *[np.arange(levels)[:, None]] * 3, discrete_levels=levels)
    y = data.dequantized("train", seed=0)
    np.testing.assert_array_equal(np.floor(y), data.train)
    assert y.max() < levels


def test_continuous_data_are_left_alone():
    data = continuous()
    assert data.dequantized("test", seed=0) is data.test


def test_dequantization_bounds_the_discrete_log_probability():
    # Two levels of probability 0.3 and 0.7, and a density over [0, 2) that is not flat within a level.
    data = Dataset("coin", *[(np.arange(20_000) % 10 >= 3).astype(np.int32)[:, None]] * 3, discrete_levels=2)
    y = data.dequantized("test", seed=0)[:, 0]
    within = y - np.floor(y)
    log_density = np.log(np.where(y < 1, 0.3, 0.7) * 2 * within)  # integrates to 0.3 and 0.7 over the levels
    log_probability = np.log(np.where(data.test[:, 0] == 0, 0.3, 0.7)).mean()
    assert log_density.mean() < log_probability
    assert log_density.mean() - log_probability == pytest.approx(np.log(2) - 1, abs=0.04)


def test_every_example_comes_once_an_epoch_and_the_last_batch_may_be_short():
    data = continuous()
    pipeline = data.batches("train", batch_size=10, seed=0)
    assert int(pipeline.cardinality()) == 3
    assert [len(batch) for batch in pipeline] == [10, 10, 3]
    x = rows(pipeline)
    assert not np.array_equal(x, data.train)
    np.testing.assert_array_equal(x[np.argsort(x[:, 0])], data.train)
    np.testing.assert_array_equal(rows(data.batches("test", batch_size=3, seed=0, shuffle=False)), data.test)
    assert isinstance(pipeline, tf.data.Dataset)
    assert pipeline.element_spec == tf.TensorSpec((None, 2), tf.float32)


def test_epochs_differ_and_the_same_seed_repeats_their_sequence():
    data = discrete(100)
    for shuffle in (True, False):
        tf.random.set_seed(1)
        pipeline = data.batches("train", batch_size=16, seed=5, shuffle=shuffle)
        first, second = rows(pipeline), rows(pipeline)
        assert not np.isclose(first % 1, second % 1).all(axis=1).any()
        tf.random.set_seed(2)
        again = data.batches("train", batch_size=16, seed=5, shuffle=shuffle)
        np.testing.assert_array_equal(rows(again), first)
        np.testing.assert_array_equal(rows(again), second)
        other = rows(data.batches("train", batch_size=16, seed=6, shuffle=shuffle))
        assert not np.isclose(first % 1, other % 1).all(axis=1).any()
        if not shuffle:
            np.testing.assert_array_equal(np.floor(first), data.train)
            np.testing.assert_array_equal(np.floor(second), data.train)


def test_context_travels_with_its_example():
    data = labelled()
    pipeline = data.batches("train", batch_size=4, seed=0, with_context=True)
    assert pipeline.element_spec[1] == tf.TensorSpec((None,), tf.int32)
    seen = 0
    for x, label in pipeline:
        np.testing.assert_array_equal(label, (x[:, 0] / 2) % 3)
        seen += len(x)
    assert seen == 23
    values = [np.ones([n, 2], np.float32) for n in (23, 5, 7)]
    data = continuous(context_train=values[0], context_validation=values[1], context_test=values[2])
    _, context = next(iter(data.batches("test", batch_size=4, seed=0, with_context=True)))
    assert context.dtype == tf.float32
    assert context.shape == (4, 2)


def test_what_batches_refuses():
    data = continuous()
    with pytest.raises(ValueError, match="'numbers' has no context. Received: with_context=True"):
        data.batches("train", batch_size=2, seed=0, with_context=True)
    for size in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1. Received"):
            data.batches("train", batch_size=size, seed=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": np.zeros([3])}, "`train` must be an array"),
        ({"test": np.zeros([3, 5], np.float32)}, "`test` must be an array.*same event shape"),
        ({"test": np.zeros([3, 2])}, "continuous `test` must be float32. Received: float64 array of shape"),
        ({"discrete_levels": 4}, r"discrete `train` must be integers in \[0, 4\)"),
        ({"columns": ("a",)}, r"`columns` must name each component.*Received: 1 names for event_shape=\(2,\)"),
        ({"context_train": np.zeros([23, 1], np.float32)}, "all three splits must have a context, or none"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(continuous(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_test": np.zeros([6], np.int32)}, "`context_test` must be integer labels.*N = 7"),
        ({"context_test": np.full([7], 3)}, r"`context_test` must be integer labels \[N\] in \[0, 3\)"),
        ({"num_classes": None}, r"`context_train` must be float32 values \[N, C\]"),
    ],
)
def test_contexts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(labelled(), **changes)


def test_out_of_range_levels_are_refused():
    x = np.array([[0], [17]])
    with pytest.raises(ValueError, match=r"integers in \[0, 17\). Received: int64 array.*values 0 to 17"):
        Dataset("levels", x, x, x, discrete_levels=17)
