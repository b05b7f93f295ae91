import numpy as np
import pytest

from tfflows.datasets.splitting import split_rows


@pytest.mark.parametrize(("n", "sizes"), [(1797, (1437, 180, 180)), (10, (8, 1, 1)), (3, (1, 1, 1))])
def test_each_row_goes_to_one_split(n, sizes):
    parts = split_rows(n, seed=0)
    assert tuple(map(len, parts)) == sizes
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n))


def test_the_seed_decides():
    first, again, other = (np.concatenate(split_rows(100, seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.arange(100))


def test_fractions_are_kept():
    assert [len(part) for part in split_rows(200, seed=0, fractions=(0.5, 0.2, 0.3))] == [100, 40, 60]


@pytest.mark.parametrize("fractions", [(0.8, 0.2), (0.8, 0.2, 0.0), (0.8, 0.1, 0.2)])
def test_no_partition_is_refused(fractions):
    with pytest.raises(ValueError, match="three positive numbers.*Received"):
        split_rows(100, seed=0, fractions=fractions)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="At least 3 rows.*Received: 2"):
        split_rows(2, seed=0)
    with pytest.raises(ValueError, match="no row to train on"):
        split_rows(4, seed=0, fractions=(0.01, 0.495, 0.495))


def test_no_fractions_leave_all_to_test():
    train, validation, test = split_rows(2, seed=0, fractions=None)
    assert len(train) == len(validation) == 0 and test.tolist() == [0, 1]
