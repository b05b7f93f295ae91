"""Each file format, and each message a user may meet."""

import numpy as np
import pandas
import pytest

from tfflows.datasets import from_file

N = 40
AGE = np.arange(N) + 0.5
HEIGHT = 150.0 + np.arange(N)
CITY = np.array(["Oslo", "Rome", "Bonn", "Lima"])[np.arange(N) % 4]
KIND = np.arange(N) % 3 + 1


@pytest.fixture
def frame():
    return pandas.DataFrame({"age": AGE, "height": HEIGHT, "city": CITY, "kind": KIND})


def write(frame, folder, extension):
    path = folder / f"people{extension}"
    frame.to_csv(path, index=False) if extension == ".csv" else frame.to_parquet(path)
    return path


def everything(data, prefix=""):
    return np.concatenate([getattr(data, prefix + split) for split in ("train", "validation", "test")])


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_columns_by_name(tmp_path, frame, extension):
    data = from_file(write(frame, tmp_path, extension), columns=["height", "age"])
    assert data.name == "people"
    assert data.columns == ("height", "age")
    assert data.train.dtype == np.float32
    assert [len(data.examples(split)) for split in ("train", "validation", "test")] == [32, 4, 4]
    x = everything(data)
    x = x[np.argsort(x[:, 1])]
    np.testing.assert_array_equal(x, np.stack([HEIGHT, AGE], axis=1))
    assert data.context_train is None


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_text_and_integer_contexts_become_labels_of_their_rows(tmp_path, frame, extension):
    path = write(frame, tmp_path, extension)
    data = from_file(path, columns="age", context="city")
    assert data.class_names == ("Bonn", "Lima", "Oslo", "Rome")
    assert data.num_classes == 4
    row = (everything(data)[:, 0] - 0.5).astype(int)
    np.testing.assert_array_equal(np.array(data.class_names)[everything(data, "context_")], CITY[row])
    data = from_file(path, columns=["age"], context=["kind"])
    assert data.class_names == ("1", "2", "3")
    row = (everything(data)[:, 0] - 0.5).astype(int)
    np.testing.assert_array_equal(everything(data, "context_"), row % 3)
    assert data.context_train.dtype == np.int32


def test_numeric_contexts_stay_values_and_columns_default_to_the_rest(tmp_path, frame):
    path = write(frame.drop(columns="city"), tmp_path, ".csv")
    data = from_file(path, context=["height", "kind"])
    assert data.columns == ("age",)
    assert data.num_classes is None
    row = (everything(data)[:, 0] - 0.5).astype(int)
    np.testing.assert_array_equal(everything(data, "context_"), np.stack([HEIGHT, KIND], axis=1)[row])
    assert from_file(path, context="kind", labels=False).context_train.shape == (32, 1)
    assert from_file(path).columns == ("age", "height", "kind")


def test_the_seed_decides_the_split(tmp_path, frame):
    path = write(frame, tmp_path, ".csv")
    first, again, other = (from_file(path, columns="age", seed=seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(from_file(path, columns="age", fractions=(0.5, 0.25, 0.25)).test) == 10


def test_npy_columns_by_index(tmp_path):
    table = np.stack([AGE, HEIGHT, KIND], axis=1)
    np.save(tmp_path / "a.npy", table)
    data = from_file(tmp_path / "a.npy", columns=[1, 0], context=-1, labels=True)
    assert data.columns == ("1", "0")
    assert data.num_classes == 3
    row = (everything(data)[:, 1] - 0.5).astype(int)
    np.testing.assert_array_equal(everything(data, "context_"), row % 3)
    assert from_file(tmp_path / "a.npy").event_shape == (3,)
    assert from_file(tmp_path / "a.npy", context=2).context_train.shape == (32, 1)


def test_npz_with_one_array_with_x_and_context_and_with_a_key(tmp_path):
    table = np.stack([AGE, HEIGHT], axis=1)
    np.savez(tmp_path / "one.npz", anything=table)
    np.savez(tmp_path / "two.npz", x=table, context=CITY)
    np.savez(tmp_path / "three.npz", a=table, b=-table, context=HEIGHT)
    assert from_file(tmp_path / "one.npz").event_shape == (2,)
    data = from_file(tmp_path / "two.npz")
    row = (everything(data)[:, 0] - 0.5).astype(int)
    np.testing.assert_array_equal(np.array(data.class_names)[everything(data, "context_")], CITY[row])
    data = from_file(tmp_path / "three.npz", key="b")
    np.testing.assert_array_equal(everything(data, "context_")[:, 0], -everything(data)[:, 1])
    with pytest.raises(
        ValueError, match=r"Pass key= to choose one. Received: 'three.npz' with arrays \['a', 'b', 'con"
    ):
        from_file(tmp_path / "three.npz")
    with pytest.raises(ValueError, match="array 'context' already.*Received: context=0"):
        from_file(tmp_path / "two.npz", context=0)
    np.savez(tmp_path / "bad.npz", x=table, context=CITY[:7])
    with pytest.raises(ValueError, match=r"a row for each of the 40 examples.*shape \[7\]"):
        from_file(tmp_path / "bad.npz")


def test_a_csv_without_a_header(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("\n".join(f"{i}.5,{i}" for i in range(20)))
    with pytest.raises(ValueError, match=r"first line holds only numbers \(0.5, 0\).*header=False"):
        from_file(path)
    data = from_file(path, header=False, columns="0")
    assert len(everything(data)) == 20


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_text_columns_are_named_and_others_offered(tmp_path, frame, extension):
    with pytest.raises(ValueError, match="Columns must be numeric") as caught:
        from_file(write(frame, tmp_path, extension))
    message = str(caught.value)
    assert "'city' (first 'Oslo' at row 0)" in message
    assert "columns=['age', 'height', 'kind']" in message
    frame["height"] = ["?" if i == 6 else str(i) for i in range(N)]
    with pytest.raises(ValueError, match=r"'height' \(first '\?' at row 6\)"):
        from_file(write(frame, tmp_path, extension), columns=["age", "height"])
    with pytest.raises(ValueError, match="Columns must be numeric.*'city'"):
        from_file(write(frame, tmp_path, extension), columns="age", context="city", labels=False)


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(ValueError, match="Received: .*no.csv', which does not exist"):
        from_file(tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="which is a folder"):
        from_file(tmp_path / "folder.csv")
    with pytest.raises(ValueError, match=r"must end in one of .csv, .parquet, .npy, .npz. Received: .*a.xlsx"):
        from_file(tmp_path / "a.xlsx")


def test_unknown_columns_show_near_misses(tmp_path, frame):
    path = write(frame, tmp_path, ".csv")
    with pytest.raises(ValueError, match="`columns` must.*Did you mean 'height'.*Received: 'heigth'"):
        from_file(path, columns=["age", "heigth"])
    with pytest.raises(ValueError, match="`context` must.*age, height, city, kind. Received: 'zzz'"):
        from_file(path, columns="age", context="zzz")
    with pytest.raises(ValueError, match="Received: 'age' twice"):
        from_file(path, columns=["age", "age"])
    with pytest.raises(ValueError, match="none both modelled and conditioned on"):
        from_file(path, columns=["age"], context=["age"])
    with pytest.raises(ValueError, match="At least one column"):
        from_file(path, columns=[])
    np.save(tmp_path / "a.npy", np.ones([5, 2]))
    for wrong in (2, -3, "age", True):
        with pytest.raises(ValueError, match="indices 0 to 1. Received"):
            from_file(tmp_path / "a.npy", columns=[wrong])


def test_empty_tables(tmp_path):
    (tmp_path / "nothing.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    np.save(tmp_path / "rows.npy", np.zeros([0, 3]))
    np.save(tmp_path / "columns.npy", np.zeros([3, 0]))
    pandas.DataFrame({"a": np.zeros(0)}).to_parquet(tmp_path / "p.parquet")
    for name in ("nothing.csv", "header.csv", "rows.npy", "columns.npy", "p.parquet"):
        with pytest.raises(ValueError, match=f"Received: '{name}', which is empty"):
            from_file(tmp_path / name)
    (tmp_path / "short.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ValueError, match="At least 3 rows"):
        from_file(tmp_path / "short.csv")


@pytest.mark.parametrize("extension", [".csv", ".parquet"])
def test_non_finite_values_are_counted_and_placed(tmp_path, frame, extension):
    frame.loc[[7, 9], "height"] = np.nan
    frame.loc[9, "age"] = np.inf
    path = write(frame, tmp_path, extension)
    with pytest.raises(ValueError, match="3 that are not, in 2 of 40 rows.*nan at row 7.*column 'height'"):
        from_file(path, columns=["age", "height"])
    with pytest.raises(ValueError, match="1 that are not.*inf at row 9.*column 'age'"):
        from_file(path, columns="age")
    with pytest.raises(ValueError, match="2 that are not.*column 'height'"):
        from_file(path, columns="kind", context="height")


def test_values_beyond_float32_are_refused(tmp_path):
    table = np.ones([5, 2])
    table[3, 1] = 1e300
    np.save(tmp_path / "a.npy", table)
    with pytest.raises(ValueError, match=r"1e\+300 at row 3.*column 1"):
        from_file(tmp_path / "a.npy")


def test_arrays_that_are_no_tables(tmp_path):
    np.save(tmp_path / "flat.npy", AGE)
    with pytest.raises(ValueError, match=r"Save x\[:, None\].*Received: flat.npy of shape \[40\]"):
        from_file(tmp_path / "flat.npy")
    np.save(tmp_path / "cube.npy", np.zeros([2, 3, 4]))
    with pytest.raises(ValueError, match=r"must be \[N, D\].*cube.npy of shape \[2, 3, 4\]"):
        from_file(tmp_path / "cube.npy")
    np.save(tmp_path / "text.npy", CITY[:, None])
    with pytest.raises(ValueError, match="real numbers.*text.npy of dtype <U4"):
        from_file(tmp_path / "text.npy")
    np.save(tmp_path / "pickle.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="array of numbers is needed.*pickle.npy"):
        from_file(tmp_path / "pickle.npy")
    (tmp_path / "junk.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match="array of numbers is needed.*junk.npz"):
        from_file(tmp_path / "junk.npz")
    (tmp_path / "junk.parquet").write_bytes(b"not a parquet")
    with pytest.raises(ValueError, match="must be parquet. Received: 'junk.parquet'"):
        from_file(tmp_path / "junk.parquet")
    with pytest.raises(ValueError, match="`key` chooses an array of an .npz"):
        from_file(tmp_path / "flat.npy", key="x")


def test_labels_that_are_not(tmp_path, frame):
    frame["id"] = np.arange(N) + 0.5
    frame["maybe"] = [None if i == 4 else "yes" for i in range(N)]
    path = write(frame, tmp_path, ".parquet")
    with pytest.raises(ValueError, match="must be whole numbers.*'id' with 0.5 at row 0"):
        from_file(path, columns="age", context="id", labels=True)
    with pytest.raises(ValueError, match="must not be missing.*'maybe' with 1 missing, the first at row 4"):
        from_file(path, columns="age", context="maybe")
    with pytest.raises(ValueError, match="Labels are one column"):
        from_file(path, columns="age", context=["city", "kind"], labels=True)
    with pytest.raises(ValueError, match="`labels` needs a context"):
        from_file(path, columns="age", labels=True)
    pandas.DataFrame({"x": np.arange(200.0), "n": np.arange(200)}).to_csv(tmp_path / "many.csv", index=False)
    with pytest.raises(ValueError, match="labels=True for classes, labels=False for numbers. Received: many.csv, 'n'"):
        from_file(tmp_path / "many.csv", context="n")
    assert from_file(tmp_path / "many.csv", context="n", labels=True).num_classes == 200


def test_nullable_and_boolean_columns(tmp_path):
    table = pandas.DataFrame({"a": pandas.array([1, 2, 3, 4], dtype="Int64"), "b": [True, False, True, False]})
    path = tmp_path / "nullable.parquet"
    table.to_parquet(path)
    data = from_file(path)
    x = everything(data)
    np.testing.assert_array_equal(x[np.argsort(x[:, 0])], [[1, 1], [2, 0], [3, 1], [4, 0]])
    assert from_file(path, context="b").class_names == ("False", "True")
    table.loc[2, "a"] = pandas.NA
    table.to_parquet(path)
    with pytest.raises(ValueError, match="nan at row 2.*column 'a'"):
        from_file(path)


ROWS = np.random.default_rng(0).normal(size=(40, 3)).round(3)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("end", ["", "all rows", "data rows"])
def test_punctuation_of_a_csv(separator, decimal, end, tmp_path):
    if separator == decimal:
        return
    lines = ["a b c".replace(" ", separator) + separator * (end == "all rows")]
    for row in ROWS:
        lines.append(separator.join(str(x).replace(".", decimal) for x in row) + separator * bool(end))
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines))
    dataset = from_file(path, columns=["a", "b"], context="c")
    found = np.concatenate([dataset.train, dataset.validation, dataset.test])
    assert dataset.columns == ("a", "b")
    np.testing.assert_array_equal(found[np.lexsort(found.T)], ROWS[np.lexsort(ROWS[:, :2].T), :2].astype("float32"))


def test_more_cells_than_columns_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1.5,2.5,3.5\n" * 5)
    with pytest.raises(ValueError, match="as many in each row. Received: 'table.csv'"):
        from_file(path)


def test_a_class_may_be_called_na(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n" + "".join(f"{i / 7},{('NA', 'None', 'EU')[i % 3]}\n" for i in range(30)))
    assert from_file(path, context="kind").class_names == ("EU", "NA", "None")


def test_text_with_other_marks_inside_stays_as_it_is(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n" + "".join(f'{i / 7},"a; b, {i % 2}"\n' for i in range(30)))
    assert from_file(path, context="kind").class_names == ("a; b, 0", "a; b, 1")


def test_examples_are_floats(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1.5,2.5\n2.5,0.5\n" * 5)
    assert from_file(path, dtype="float64").train.dtype == np.float64
    with pytest.raises(ValueError, match="`dtype` must be one of .* Received: 'int32'"):
        from_file(path, dtype="int32")
