"""Columns by name out of a .csv, .parquet, .npy or .npz file."""

import csv
import itertools
import pathlib
import warnings

import numpy as np
import pandas

EXTENSIONS = (".csv", ".parquet", ".npy", ".npz")
_PUNCTUATION = [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")]
_LINES_LOOKED_AT = 50


def read_table(path, *, header=True, key=None):
    """Reads a table as a dict from column names to arrays `[N]`.

    Arrays are boolean, integer or float where the file holds numbers (missing ones are NaN), else of objects (missing
    ones are `None`). Columns of .npy and .npz arrays are named by their index, an int.

    Args:
      path: of the file, a string or `pathlib.Path`.
      header: whether the first line of a .csv names the columns; otherwise they are `"0"`, `"1"`, ...
      key: which array of an .npz is the table; by default the only one, or `"x"`.

    Returns:
      The dict; the array called `"context"` if an .npz has one beside the table, otherwise `None`; and a dict from
      column names to the names of the dtypes that the file, or pandas when it reads it, gives them.

    Raises:
      ValueError: if the file is missing, of another kind, unreadable, empty, or no table.
      ImportError: if pyarrow is needed, for .parquet, and not installed.
    """
    path = pathlib.Path(path)
    extension = path.suffix.lower()
    if extension not in EXTENSIONS:
        raise ValueError(f"The file must end in one of {', '.join(EXTENSIONS)}. Received: {str(path)!r}")
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"A data file that exists is needed. Received: {str(path)!r}, which {kind}")
    if key is not None and extension != ".npz":
        raise ValueError(f"`key` chooses an array of an .npz. Received: key={key!r} with {path.name!r}")
    context, frame = None, None
    if extension == ".csv":
        frame = _read_csv(path, header)
    elif extension == ".parquet":
        frame = _read_parquet(path)
    elif extension == ".npy":
        columns = _columns_of_array(_readable(path, lambda: np.load(path, allow_pickle=False)), path.name)
    else:
        columns, context = _read_npz(path, key)
    typed = columns if frame is None else {str(name): frame[name] for name in frame.columns}
    columns = columns if frame is None else _columns(frame)
    if not columns or not len(next(iter(columns.values()))):
        raise ValueError(f"The table must have rows and columns. Received: {path.name!r}, which is empty")
    return columns, context, {name: str(column.dtype) for name, column in typed.items()}


def _read_csv(path, header):
    separator, decimal = _punctuation(path)
    options = {"header": 0 if header else None, "sep": separator, "decimal": decimal}
    options |= {"keep_default_na": False, "na_values": [""]}  # NA may be the name of a class
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)  # cells beyond the last column
            frame = pandas.read_csv(path, index_col=False, **options)
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame()
    except (pandas.errors.ParserError, pandas.errors.ParserWarning, UnicodeDecodeError) as error:
        raise ValueError(
            f"The file must be text with {separator!r} between its columns, as many in each row. "
            f"Received: {path.name!r}: {error}"
        ) from error
    if len(frame.columns) > 1 and frame.iloc[:, -1].isna().all() and str(frame.columns[-1]).startswith("Unnamed:"):
        frame = frame.iloc[:, :-1]  # of a separator at the end of every line
    if header and len(frame.columns) and all(is_number(name) for name in frame.columns):
        names = ", ".join(map(str, frame.columns[:5]))
        raise ValueError(
            f"The first line of a .csv must name its columns. Received: {path.name!r}, whose first line holds only "
            f"numbers ({names}). If it has no header, pass header=False; columns are then '0', '1', ..."
        )
    return frame


def _punctuation(path):
    """What separates the columns of a text file, and the decimal mark: those by which most cells are numbers."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = list(itertools.islice((line for line in file if line.strip()), _LINES_LOOKED_AT))
    except UnicodeDecodeError:
        lines = []

    def numbers(separator, decimal):
        rows = [row[:-1] if row[-1] == "" else row for row in csv.reader(lines, delimiter=separator)]
        if len({len(row) for row in rows}) != 1 or (separator != "," and len(rows[0]) == 1):
            return -1.0
        cells = [cell.replace(decimal, ".") for row in rows[1:] for cell in row if decimal == "." or "." not in cell]
        return sum(map(is_number, cells)) / max(1, len(cells))

    return max(_PUNCTUATION, key=lambda marks: numbers(*marks))  # the first of equals


def _read_parquet(path):
    try:
        return pandas.read_parquet(path)
    except ImportError as error:
        raise ImportError("Reading .parquet needs: pip install pyarrow") from error
    except (ValueError, OSError) as error:
        raise ValueError(f"The file must be parquet. Received: {path.name!r}: {error}") from error


def _columns(frame):
    columns = {}
    for name in frame.columns:
        series = frame[name]
        if not pandas.api.types.is_numeric_dtype(series) or pandas.api.types.is_complex_dtype(series):
            columns[str(name)] = series.astype(object).where(series.notna(), None).to_numpy()
        elif series.isna().any():
            columns[str(name)] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            kind = {"b": np.bool_, "i": np.int64, "u": np.uint64}.get(series.dtype.kind, np.float64)
            columns[str(name)] = series.to_numpy(dtype=kind)
    return columns


def _read_npz(path, key):
    with _readable(path, lambda: np.load(path, allow_pickle=False)) as archive:
        names = list(archive.files)
        candidates = [name for name in names if name != "context"]
        if key is None:
            key = candidates[0] if len(candidates) == 1 else "x"
        if key not in names:
            hint = " Pass key= to choose one." if names else ""
            raise ValueError(
                f"The table of an .npz must be its only array or be called 'x'.{hint} "
                f"Received: {path.name!r} with arrays {names}, key={key!r}"
            )
        wanted = [key] + ["context"] * ("context" in names and key != "context")
        arrays = [_readable(path, lambda name=name: archive[name]) for name in wanted]
    columns = _columns_of_array(arrays[0], f"{path.name}[{key!r}]")
    if len(arrays) == 1:
        return columns, None
    if arrays[1].ndim not in (1, 2) or len(arrays[1]) != len(arrays[0]):
        raise ValueError(
            f"'context' must be [N] or [N, C], with a row for each of the {len(arrays[0])} examples. "
            f"Received: {path.name!r} with shape {list(arrays[1].shape)}"
        )
    return columns, arrays[1]


def _readable(path, read):
    try:
        return read()
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"An array of numbers is needed. Received: {path.name!r}: {error}") from error


def _columns_of_array(array, name):
    if array.ndim != 2:
        hint = " Save x[:, None] if it is one column." if array.ndim == 1 else ""
        raise ValueError(
            f"The array must be [N, D], one example a row.{hint} Received: {name} of shape {list(array.shape)}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"The array must hold real numbers. Received: {name} of dtype {array.dtype}")
    return dict(enumerate(array.T))


def is_number(value):
    """Whether a cell of a table is a number, or can be read as one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
