"""Sizes, numbers, choices and near misses."""

import numpy as np
import pytest

from tfflows import arguments


def test_sizes_are_integers_of_at_least_the_least():
    arguments.check_sizes(n=1, widths=(2, np.int64(3)), missing=None)
    arguments.check_sizes(2, n=2)
    for least, size in ((1, 0), (2, 1), (1, 1.0), (1, True), (1, (1, 0)), (1, "3")):
        with pytest.raises(ValueError, match=f"`n` must be .* of at least {least}. Received: "):
            arguments.check_sizes(least, n=size)


def test_integers_are_one_and_in_their_range():
    arguments.check_integer(0, n=0, m=np.int64(3))
    arguments.check_integer(1, 3, n=3)
    for value in (0, 4, 1.0, True, None, (1, 2), "3"):
        with pytest.raises(ValueError, match="`n` must be an integer from 1 to 3. Received: "):
            arguments.check_integer(1, 3, n=value)
    with pytest.raises(ValueError, match="`n` must be an integer of at least 2. Received: 1"):
        arguments.check_integer(2, n=1)


def test_numbers_are_finite():
    arguments.check_number(x=-1, y=np.float32(2))
    arguments.check_number(0, x=0)
    arguments.check_positive(x=1, y=np.float32(0.5))
    for value in (np.nan, np.inf, "a", None, -0.5):
        with pytest.raises(ValueError, match="`x` must be a number of at least 0. Received: "):
            arguments.check_number(0, x=value)
        with pytest.raises(ValueError, match="`x` must be a positive finite number. Received: "):
            arguments.check_positive(x=value)
    with pytest.raises(ValueError, match="`x` must be a finite number. Received: nan"):
        arguments.check_number(x=np.nan)
    for value in (0, True):
        with pytest.raises(ValueError, match="`x` must be a positive finite number. Received: "):
            arguments.check_positive(x=value)


def test_choices():
    arguments.check_choice(("a", None), kind=None)
    with pytest.raises(ValueError, match=r"`kind` must be one of \['a', 'b'\]. Received: 'c'"):
        arguments.check_choice({"a": 1, "b": 2}, kind="c")


def test_near_misses():
    assert arguments.did_you_mean("two-mons", ["two-moons", "rings"]) == " Did you mean 'two-moons'?"
    assert arguments.did_you_mean("xyz", ["two-moons", "rings"]) == ""
