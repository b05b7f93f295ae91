"""Cutting a table's rows into train, validation and test."""

import numpy as np

FRACTIONS = (0.8, 0.1, 0.1)


def split_rows(num_rows, *, seed, fractions=FRACTIONS):
    """A random partition of `range(num_rows)` into three.

    Validation gets `round(fractions[1] num_rows)` rows, test `round(fractions[2] num_rows)`, each at least one, and
    train the rest, at least one too. Not stratified.

    Args:
      num_rows: how many rows there are, at least 3.
      seed: non-negative integer; the same seed gives the same partition.
      fractions: of train, validation and test: positive, of sum 1; `None` leaves all rows, in their order, to test.

    Returns:
      Three integer arrays that together hold each row once.
    """
    if fractions is None:
        return np.split(np.arange(num_rows), [0, 0])
    fractions = tuple(fractions)
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(
            "`fractions` must be three positive numbers (train, validation, test) of sum 1. "
            f"Received: fractions={fractions}"
        )
    if num_rows < 3:
        raise ValueError(f"At least 3 rows are needed, one for each split. Received: {num_rows}")
    num_validation, num_test = (max(1, round(fraction * num_rows)) for fraction in fractions[1:])
    num_train = num_rows - num_validation - num_test
    if num_train < 1:
        raise ValueError(f"`fractions` leave no row to train on. Received: {fractions} of {num_rows} rows")
    # Not scikit-learn's `train_test_split`: its rows for a seed are others, and results are compared by seed.
    order = np.random.default_rng(seed).permutation(num_rows)
    return np.split(order, [num_train, num_train + num_validation])
