"""Examples go back to rows of their file: its columns, order, dtypes and labels."""

import numpy as np
import pandas
import pytest

from tfflows.datasets import Dataset, from_file

N = 40
COLUMNS = {
    "count": np.arange(N),
    "city": np.array(["Oslo", "Rome"])[np.arange(N) % 2],
    "share": np.arange(N) / 7,
    "member": np.arange(N) % 3 == 0,
}


def parts(data):
    """All examples and their context."""
    return (
        np.concatenate([get(split) for split in ("train", "validation", "test")])
        for get in (data.examples, data.context)
    )


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_every_row_of_a_file_comes_back(tmp_path, extension):
    path, frame = tmp_path / f"rows{extension}", pandas.DataFrame(COLUMNS)
    frame.to_csv(path, index=False) if extension == ".csv" else frame.to_parquet(path)
    read = pandas.read_csv(path) if extension == ".csv" else pandas.read_parquet(path)
    data = from_file(path, columns=["share", "member", "count"], context="city")
    x, context = parts(data)
    found = data.frame(x, context).sort_values("count", ignore_index=True)
    assert found.dtypes.to_dict() == read.dtypes.to_dict()
    pandas.testing.assert_frame_equal(found, read, rtol=1e-6)
    assert list(data.frame(x)) == ["count", "share", "member"]  # no context was given


@pytest.mark.parametrize("name", ["count", "member"])
def test_labels_that_are_no_text(tmp_path, name):
    path = tmp_path / "rows.parquet"
    frame = pandas.DataFrame(COLUMNS).drop(columns="city").assign(count=np.arange(N, dtype="int16") % 4)
    frame.to_parquet(path)
    data = from_file(path, columns="share", context=name, labels=True)
    found = data.frame(*parts(data)).sort_values("share", ignore_index=True)
    pandas.testing.assert_frame_equal(found, frame[[each for each in frame if each in ("share", name)]], rtol=1e-6)


def test_numbers_between_and_beyond_those_of_an_integer_dtype(tmp_path):
    path = tmp_path / "rows.parquet"
    dtypes = {"a": "uint8", "b": "int64", "c": "Int32", "d": "float64", "e": "boolean", "f": "int32"}
    pandas.DataFrame({name: np.arange(N) % 2 for name in dtypes}).astype(dtypes).to_parquet(path)
    data = from_file(path, columns=list("abcde"), context="f", labels=False)
    x = np.array([[-3.0, 1e30, 2.5, 2.5, 0.49], [300.0, -1e30, -1.6, -1.6, 0.5]], "float32")
    found = data.frame(x, np.array([[1.4], [1.6]], "float32"))
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == dtypes
    assert found["a"].tolist() == [0, 255] and found["c"].tolist() == [2, -2]
    assert found["b"][0] > 9.2e18 and found["b"][1] == np.iinfo("int64").min
    assert found["d"].tolist() == [2.5, pytest.approx(-1.6)] and found["e"].tolist() == [False, True]
    assert found["f"].tolist() == [1, 2]


def test_without_a_file_numbers_stay_and_labels_have_their_names():
    x, labels = np.ones([6, 2], "float32"), np.array([0, 1, 1, 0, 0, 1], "int32")
    data = Dataset("made", x, x, x, labels, labels, labels, num_classes=2, class_names=("no", "yes"))
    found = data.frame(x[:2], labels[:2])
    assert list(found) == ["x1", "x2", "class"] and found["class"].tolist() == ["no", "yes"]
    assert found["x1"].dtype == np.float32


def test_an_array_and_its_context(tmp_path):
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.arange(2 * N, dtype="int16").reshape(N, 2), context=np.arange(N) % 2)
    data = from_file(path, labels=True)
    found = data.frame(np.array([[0.6, 2.4]], "float32"), np.array([1]))
    assert found.to_dict("list") == {"0": [1], "1": [2], "class": ["1"]} and found["0"].dtype == np.int16


def test_text_and_numbers_together_condition_and_come_back(tmp_path):
    path, frame = tmp_path / "rows.csv", pandas.DataFrame(COLUMNS)
    frame.to_csv(path, index=False)
    data = from_file(path, columns="share", context=["city", "count", "member"])
    x, context = parts(data)
    assert context.dtype == np.float32 and context.shape == (N, 4) and data.num_classes is None
    city, count, member = context[:, :2], context[:, 2], context[:, 3]
    np.testing.assert_array_equal(city, np.eye(2)[(count % 2).astype(int)])
    np.testing.assert_array_equal(member, count % 3 == 0)
    found = data.frame(x, context).sort_values("count", ignore_index=True)
    pandas.testing.assert_frame_equal(found, pandas.read_csv(path), rtol=1e-6)
    frame[frame["city"] == "Rome"].to_csv(path, index=False)
    options = {"columns": "share", "context": ["city", "count"], "fractions": None}
    assert (from_file(path, **options, classes=data.table.classes).context_test[:, :2] == [0, 1]).all()
    with pytest.raises(ValueError, match="known classes.*'city' with \\['Rome'\\], not among \\['Oslo'\\]"):
        from_file(path, **options, classes={"city": ["Oslo"]})
    frame.assign(city=[None, *frame["city"][1:]]).to_csv(path, index=False)
    with pytest.raises(ValueError, match="'city' with 1 missing, the first at row 0"):
        from_file(path, **options)
