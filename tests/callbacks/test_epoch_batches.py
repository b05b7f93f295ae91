"""An epoch's batches depend on the seed and the epoch's number alone."""

import numpy as np
import pytest

from tfflows.callbacks import EpochBatches


def _epoch(batches, number):
    batches.on_epoch_begin(number)
    return [tuple(part.numpy() for part in batch) for batch in batches.dataset()]


def _rows(batches, number):
    return np.concatenate([batch[0] for batch in _epoch(batches, number)])


def test_every_example_comes_once_with_its_context_and_the_last_batch_is_smaller():
    x = np.arange(10, dtype="float32")[:, None]
    batches = EpochBatches(x, np.arange(10, dtype="int32"), batch_size=4, seed=0)
    epoch = _epoch(batches, 0)
    assert [len(each[0]) for each in epoch] == [4, 4, 2] and batches.steps_per_epoch == 3
    assert int(batches.dataset().cardinality()) == 3
    rows, context = (np.concatenate(parts) for parts in zip(*epoch))
    np.testing.assert_array_equal(rows[:, 0], context)
    assert sorted(context) == list(range(10)) and context.dtype == np.int32


def test_an_epoch_is_the_same_whatever_came_before():
    x = np.arange(100.0)[:, None]
    first, second = (EpochBatches(x, batch_size=32, seed=3) for _ in range(2))
    history = [_rows(first, number) for number in range(4)]
    np.testing.assert_array_equal(_rows(second, 3), history[3])
    np.testing.assert_array_equal(_rows(first, 1), history[1])
    assert len({each.tobytes() for each in history}) == 4
    assert (_rows(EpochBatches(x, batch_size=32, seed=4), 3) != history[3]).any()


def test_noise_is_new_each_epoch_and_stays_within_its_level():
    x = np.random.default_rng(0).integers(17, size=(5000, 4))
    batches = EpochBatches(x, batch_size=5000, seed=0, dequantize=True)
    noise = []
    for number in range(2):
        rows = _rows(batches, number)
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(np.sort(np.floor(rows), axis=0), np.sort(x, axis=0))
        noise.append(rows - np.floor(rows))
        assert abs(noise[-1].mean() - 0.5) < 0.01 and abs(noise[-1].var() - 1 / 12) < 0.002
    assert (np.sort(noise[0], axis=0) != np.sort(noise[1], axis=0)).mean() > 0.99
    np.testing.assert_array_equal(_rows(EpochBatches(x, batch_size=5000, seed=0, dequantize=True), 1), rows)


@pytest.mark.parametrize(
    ("size", "context", "batch_size"), [(5, None, 0), (5, None, 2.5), (5, None, None), (0, None, 4), (5, 4, 4)]
)
def test_bad_arguments_are_refused(size, context, batch_size):
    with pytest.raises(ValueError, match="Received"):
        EpochBatches(np.zeros([size, 2]), None if context is None else np.zeros(context), batch_size=batch_size, seed=0)
