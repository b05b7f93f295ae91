"""One warning, by name, of columns that have no density."""

import warnings

import numpy as np
import pytest

from tfflows.fitting import columns
from tfflows.models import RealNVP

rng = np.random.default_rng(0)
NORMAL = rng.normal(size=1000)
TABLE = {
    "height": NORMAL,
    "tiny": 1e-20 * NORMAL,
    "id": np.full(1000, 3.3),
    "age": rng.integers(18, 90, 1000),
    "grade": rng.choice([0.5, 1.5, 2.25], 1000),
    "income": np.where(rng.random(1000) < 0.3, 0.0, np.exp(NORMAL)),
    "rounded": np.round(100 * NORMAL) / 100,  # as measured: most are alone
}
ALL = np.stack(list(TABLE.values()), axis=1).astype("float32")


def test_what_is_said_of_each_column():
    names, found = list(TABLE), columns.repeated(ALL)
    assert {names[i]: why for i, why in found.items()} == {
        "id": "does not vary",
        "age": "holds integers",
        "grade": "holds 3 values",
        "income": f"is 0 in {np.mean(ALL[:, 5] == 0):.0%} of the rows",
    }


def test_one_warning_with_names_or_numbers():
    for names, said in ((list(TABLE), "'id' does not vary; 'age' holds"), (None, "2 does not vary; 3 holds integers")):
        with pytest.warns(UserWarning, match=said) as record:
            columns.warn(ALL, names)
        assert len(record) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns.warn(ALL[:, :2])
        columns.warn(ALL[:10])
        columns.warn(np.zeros([100, 4, 4, 1], "float32"))


def test_large_tables_are_looked_at_in_part():
    x = np.zeros([30_000, 784], "float32")
    x[:, 1:] = rng.random(x[:, 1:].shape, dtype="float32")
    assert columns.repeated(x) == {0: "does not vary"}


def test_a_flow_warns_when_it_is_adapted():
    with pytest.warns(UserWarning, match="Columns: 1 holds integers"):
        RealNVP((2,), num_layers=2, hidden_units=(4,)).adapt(ALL[:, [0, 3]])


def test_what_float32_loses_of_a_spread():
    x = np.stack([NORMAL, 1.6e9 + 50 * NORMAL], axis=1)
    said = columns.lost(x, np.float32)
    assert said.startswith("column 1 around 1.6e+09 with a standard deviation of 4") and said.endswith("128 apart")
    assert columns.lost(x, np.float64) == columns.lost(x - [0, 1.6e9], np.float32) == ""
    assert columns.lost(np.full([100, 1], 1.6e9), np.float32) == ""
