"""The tabular sets, from small files of the same form."""

import h5py
import numpy as np
import pandas
import pytest

from tfflows import datasets

ROWS = 200


@pytest.fixture
def folder(tmp_path):
    """An archive in miniature."""
    rng = np.random.default_rng(0)
    for name in ("power", "gas", "hepmass", "miniboone", "BSDS300"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "power" / "data.npy", np.round(rng.normal(size=(ROWS, 8)), 1))
    np.save(tmp_path / "miniboone" / "data.npy", 3 + 2 * rng.normal(size=(ROWS, 5)))
    gas = pandas.DataFrame(rng.normal(size=(ROWS, 4)), columns=["a", "b", "c", "d"])
    gas.insert(1, "twin", 2 * gas["a"] + 0.01 * rng.normal(size=ROWS))
    for name in ("Meth", "Eth", "Time"):
        gas.insert(0, name, 1.0)
    gas.to_pickle(tmp_path / "gas" / "ethylene_CO.pickle")
    for split, extra in (("train", 0), ("test", 1)):
        table = rng.normal(size=(ROWS, 5 + extra))
        table[:, 0] = rng.integers(0, 2, ROWS)
        table[:, 3] = np.maximum(table[:, 3], 0)  # a value that repeats
        columns = ["# label", *(f"f{i}" for i in range(4 + extra))]
        pandas.DataFrame(table, columns=columns).to_csv(tmp_path / "hepmass" / f"1000_{split}.csv", index=False)
    with h5py.File(tmp_path / "BSDS300" / "BSDS300.hdf5", "w") as file:
        for split, rows in (("train", 30), ("validation", 20), ("test", 10)):
            file[split] = rng.normal(size=(rows, 6)).astype("float32")
    return tmp_path


def sizes(data):
    return [len(data.examples(split)) for split in ("train", "validation", "test")]


def test_power(folder):
    data = datasets.tabular("power", folder)
    assert sizes(data) == [162, 18, 20] and data.event_shape == (6,)
    known = np.concatenate([data.train, data.validation])
    np.testing.assert_allclose(known.mean(0), np.zeros(6), atol=1e-5)
    np.testing.assert_allclose(known.std(0), np.ones(6), atol=1e-5)
    table = np.load(folder / "power" / "data.npy")
    np.random.RandomState(42).shuffle(table)
    # What is left of the columns, to within the noise, from 0 to 0.001, 0.01, 1, 1, 1 and nothing.
    for ours, theirs, noise in zip(range(6), (0, 2, 4, 5, 6, 7), (0.001, 0.01, 1, 1, 1, 0), strict=True):
        moved = table[:, theirs]
        slope = known[:, ours].std() / moved[:180].std()
        if noise <= 0.01:
            residual = known[:, ours] - moved[:180] * slope
            assert np.ptp(residual) < 1.5 * noise + 0.02
        else:
            assert 0.7 < np.corrcoef(known[:, ours], moved[:180])[0, 1] < 0.999


def test_gas(folder):
    data = datasets.tabular("GAS", folder)
    assert sizes(data) == [162, 18, 20] and data.event_shape == (4,)  # one of the twins is gone
    table = pandas.read_pickle(folder / "gas" / "ethylene_CO.pickle")[["twin", "b", "c", "d"]]
    expected = ((table - table.mean()) / table.std()).to_numpy()
    np.testing.assert_allclose(np.concatenate([data.train, data.validation, data.test]), expected, atol=1e-5)


def test_hepmass(folder):
    data = datasets.tabular("hepmass", folder)
    train, test = (pandas.read_csv(folder / "hepmass" / f"1000_{split}.csv") for split in ("train", "test"))
    train, test = train[train["# label"] == 1][["f0", "f1", "f3"]], test[test["# label"] == 1][["f0", "f1", "f3"]]
    last = int(0.1 * len(train))
    assert sizes(data) == [len(train) - last, last, len(test)] and data.event_shape == (3,)
    np.testing.assert_allclose(data.test, (test - train.mean()) / train.std(), atol=1e-5)
    np.testing.assert_allclose(data.validation, ((train - train.mean()) / train.std())[-last:], atol=1e-5)


def test_miniboone_and_bsds300(folder):
    data = datasets.tabular("miniboone", folder)
    assert sizes(data) == [162, 18, 20]
    table = np.load(folder / "miniboone" / "data.npy")
    np.testing.assert_allclose(data.test, (table[180:] - table[:180].mean(0)) / table[:180].std(0), atol=1e-5)
    data = datasets.tabular("bsds300", folder)
    assert sizes(data) == [30, 20, 10] and data.event_shape == (6,)
    with h5py.File(folder / "BSDS300" / "BSDS300.hdf5") as file:
        np.testing.assert_array_equal(data.validation, file["validation"])


def test_folder_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("TFFLOWS_TABULAR", str(folder))
    assert datasets.tabular("miniboone").name == "miniboone"


def test_what_is_missing_is_named(folder, monkeypatch):
    monkeypatch.delenv("TFFLOWS_TABULAR", raising=False)
    assert datasets.tabular_names() == ("power", "gas", "hepmass", "miniboone", "bsds300")
    with pytest.raises(ValueError, match="`name` must be one of .*Received: 'wine'"):
        datasets.tabular("wine", folder)
    with pytest.raises(ValueError, match="TFFLOWS_TABULAR. Received: None"):
        datasets.tabular("power")
    (folder / "power" / "data.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"power needs .*data.npy, from data.tar.gz of https"):
        datasets.tabular("power", folder)
    np.save(folder / "power" / "data.npy", np.zeros([30, 3]))
    with pytest.raises(ValueError, match=r"must hold a table of 8 columns. Received: \(30, 3\)"):
        datasets.tabular("power", folder)
