"""The five classical tabular sets of density estimation, from the files that everyone uses, prepared as published."""

import os
import pathlib

import numpy as np
import pandas

from tfflows.arguments import check_choice
from tfflows.datasets.dataset import Dataset

_SOURCE = "https://zenodo.org/records/1161203"
_NOISE_SEED = 42  # the published one, of the order of POWER's rows and of its noise
_MOST_REPEATS = 5  # of a feature's smallest value in HEPMASS
_MOST_CORRELATED = 0.98  # of two features of GAS


def tabular_names():
    """Names of the tabular sets, a tuple."""
    return tuple(_SETS)


def tabular(name, folder=None):
    """A set of the published tables of tabular densities: POWER, GAS, HEPMASS, MINIBOONE or BSDS300.

    Nothing is downloaded: the files are those of the authors of the masked autoregressive flow, which most papers
    since have used (one archive, `data.tar.gz`, https://zenodo.org/records/1161203). Splits and preprocessing are
    theirs, seeds included, so that test log-likelihoods compare with published ones; the examples are in standardised
    units, as in the papers (BSDS300 as it is).

    | name | from | what is done | entries |
    | --- | --- | --- | --- |
    | "power" | `power/data.npy` | two columns dropped, uniform noise of the resolution, shuffled | 6 |
    | "gas" | `gas/ethylene_CO.pickle` | of columns correlated above 0.98 one is kept | 8 |
    | "hepmass" | `hepmass/1000_train.csv`, `1000_test.csv` | signal only; columns of repeated values dropped | 21 |
    | "miniboone" | `miniboone/data.npy` | cleaned by the authors already | 43 |
    | "bsds300" | `BSDS300/BSDS300.hdf5` | patches without their last pixel, split by photograph by the authors | 63 |

    A pickle can run code when it is read: take GAS's from a source that you trust.

    Args:
      name: one of `tabular_names()`, in any case.
      folder: of the unpacked archive, the one that holds `power`, `gas` and so on; by default that which the
        environment variable `TFFLOWS_TABULAR` names.

    Returns:
      A `Dataset` of float32 examples.

    Raises:
      ValueError: no folder, files of another form.
      FileNotFoundError: a file is missing (which, and where it is from).

    References:
      Papamakarios, Pavlakou, Murray. Masked autoregressive flow for density estimation. NeurIPS 2017, arXiv 1705.07057,
      appendix D, and the published code.
    """
    key = str(name).lower()
    check_choice(_SETS, name=key)
    folder = os.environ.get("TFFLOWS_TABULAR") if folder is None else folder
    if not folder:
        raise ValueError(
            f"`folder` must be that of the unpacked archive {_SOURCE}, here or in the environment variable "
            f"TFFLOWS_TABULAR. Received: {folder!r}"
        )
    read, *files = _SETS[key]
    paths = [pathlib.Path(folder, *file.split("/")) for file in files]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{key} needs {path}, from data.tar.gz of {_SOURCE}; it does not exist")
    return Dataset(
        key,
        *(np.ascontiguousarray(split, np.float32) for split in read(*paths)),
        description=f"{key.upper()}, prepared as by Papamakarios et al. (2017).",
    )


def _power(path):
    rng = np.random.RandomState(_NOISE_SEED)
    table = _table(path, 8)
    rng.shuffle(table)
    table = np.delete(table, [1, 3], axis=1)
    # In the order of the published code: the draws follow from it.
    voltage, active = 0.01 * rng.rand(len(table), 1), 0.001 * rng.rand(len(table), 1)
    metering = rng.rand(len(table), 3)
    table = table + np.hstack([active, voltage, metering, np.zeros((len(table), 1))])
    return _standardised(_split(table))


def _gas(path):
    table = pandas.read_pickle(path)
    missing = {"Meth", "Eth", "Time"} - set(getattr(table, "columns", ()))
    if missing:
        raise ValueError(f"{path} must hold a table with columns Meth, Eth and Time. Received: none of {missing}")
    table = table.drop(columns=["Meth", "Eth", "Time"])
    while True:
        correlated = (table.corr() > _MOST_CORRELATED).to_numpy().sum(axis=1) > 1
        if not correlated.any():
            break
        table = table.drop(columns=table.columns[int(np.argmax(correlated))])
    return _split(((table - table.mean()) / table.std()).to_numpy())


def _hepmass(train_path, test_path):
    train, test = (pandas.read_csv(path, index_col=False).to_numpy() for path in (train_path, test_path))
    train, test = (table[table[:, 0] == 1][:, 1:] for table in (train, test))
    test = test[:, :-1]  # the rows of the test file end in one number more
    if train.shape[1] != test.shape[1] or not len(train) or not len(test):
        raise ValueError(
            f"{test_path} must have one column more than {train_path}, and both examples of class 1. "
            f"Received: shapes {test.shape} and {train.shape} without the class and that column"
        )
    mean, deviation = train.mean(0), train.std(0, ddof=1)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    kept = (train == train.min(0)).sum(0) <= _MOST_REPEATS
    train, test = train[:, kept], test[:, kept]
    num_validation = int(0.1 * len(train))
    return train[:-num_validation], train[-num_validation:], test


def _bsds300(path):
    import h5py  # comes with Keras; only this set needs it

    with h5py.File(path, "r") as file:
        missing = {"train", "validation", "test"} - set(file)
        if missing:
            raise ValueError(f"{path} must hold train, validation and test. Received: no {sorted(missing)}")
        return [file[split][...] for split in ("train", "validation", "test")]


def _table(path, columns=None):
    table = np.load(path)
    if table.ndim != 2 or len(table) < 20 or (columns is not None and table.shape[1] != columns):
        raise ValueError(
            f"{path} must hold a table{f' of {columns} columns' if columns else ''}. Received: {table.shape}"
        )
    return table


def _split(table):
    """The last tenth of the rows for test, the last tenth of the others for validation."""
    num_test = int(0.1 * len(table))
    rest, test = table[:-num_test], table[-num_test:]
    num_validation = int(0.1 * len(rest))
    return rest[:-num_validation], rest[-num_validation:], test


def _standardised(splits):
    """By mean and deviation of train and validation together."""
    known = np.vstack(splits[:2])
    return [(split - known.mean(0)) / known.std(0) for split in splits]


_SETS = {
    "power": (_power, "power/data.npy"),
    "gas": (_gas, "gas/ethylene_CO.pickle"),
    "hepmass": (_hepmass, "hepmass/1000_train.csv", "hepmass/1000_test.csv"),
    "miniboone": (lambda path: _standardised(_split(_table(path))), "miniboone/data.npy"),
    "bsds300": (_bsds300, "BSDS300/BSDS300.hdf5"),
}
