"""Sizes, choices and near misses."""

import numpy as np
import pytest

from tfflows import arguments


def test_sizes_are_integers_of_at_least_the_least():
    arguments.check_sizes(n=1, widths=(2, np.int64(3)), missing=None)
    arguments.check_sizes(2, n=2)
    for least, size in ((1, 0), (2, 1), (1, 1.0), (1, True), (1, (1, 0)), (1, "3")):
        with pytest.raises(ValueError, match=f"`n` must be .* of at least {least}. Received: "):
            arguments.check_sizes(least, n=size)


def test_integers_are_one_and_given():
    arguments.check_integers(n=1, m=np.int64(3))
    for least, number in ((1, 0), (2, 1), (1, 1.0), (1, True), (1, (1, 1)), (1, None)):
        with pytest.raises(ValueError, match=f"`n` must be an integer of at least {least}. Received: "):
            arguments.check_integers(least, n=number)


def test_choices():
    arguments.check_choice(("a", None), kind=None)
    with pytest.raises(ValueError, match=r"`kind` must be one of \['a', 'b'\]. Received: 'c'"):
        arguments.check_choice({"a": 1, "b": 2}, kind="c")


def test_near_misses():
    assert arguments.did_you_mean("two-mons", ["two-moons", "rings"]) == " Did you mean 'two-moons'?"
    assert arguments.did_you_mean("xyz", ["two-moons", "rings"]) == ""
