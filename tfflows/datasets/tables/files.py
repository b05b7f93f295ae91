"""A user's own table as a `Dataset`."""

import pathlib

import numpy as np
import pandas

from tfflows.arguments import check_choice, did_you_mean
from tfflows.datasets.dataset import Dataset
from tfflows.datasets.splitting import FRACTIONS, split_rows
from tfflows.datasets.tables import conditions
from tfflows.datasets.tables.rows import FileColumns
from tfflows.datasets.tables.table import is_number, read_table
from tfflows.ops import standardization


def from_file(
    path,
    *,
    columns=None,
    context=None,
    labels=None,
    seed=0,
    fractions=FRACTIONS,
    header=True,
    key=None,
    classes=None,
    dtype=None,
):
    """Reads a .csv, .parquet, .npy or .npz table and splits its rows.

    Columns are chosen by name (.csv, .parquet) or by index (.npy, .npz; negative ones count from the end). Values
    stay in the file's units, so densities do too. A .csv may have semicolons or tabulators between its columns, and
    then decimal commas.

    An .npz may hold the context as an array of its own, called `context`, of one row per example.

    Args:
      path: of the file.
      columns: one column or a sequence of them to model; by default all that are not context.
      context: one column or a sequence of them to condition on; by default none.
      labels: whether the context is class labels. By default a single column of text, booleans or integers is, and
        anything else is values. Labels are numbered from 0 in the order of their sorted names (`class_names`). Of
        several columns those of text are taken as ones and zeros, one for each of its classes.
      seed: of the split, a non-negative integer.
      fractions: of train, validation and test; `None` leaves all rows, in their order, to test.
      header: whether a .csv starts with a line of column names.
      key: which array of an .npz is the table; by default the only one, or `x`.
      classes: dict from columns of text, among several of the context, to their classes, as `table.classes` of other
        data has them; by default all that there are, sorted.
      dtype: "float32" or "float64" of the examples, those of the flow that is to judge them; values of a context are
        float64 then. By default both are float64 where float32 would lose the spread of a column.

    Returns:
      A `Dataset` of float32 examples `[N, D]`, with int32 labels `[N]` or float32 values `[N, C]` as context; of
      float64 where float32 would lose the spread of a column, as of Unix seconds. Its `frame` makes rows like the
      file's of examples.

    Raises:
      ValueError: if the file or the columns asked for are missing, a column is not numeric or not finite, or the
        table has fewer than three rows.
    """
    path = pathlib.Path(path)
    table, array, dtypes = read_table(path, header=header, key=key)
    names = list(table)
    context_names = _choose(context, names, "context", path)
    if array is not None and context_names:
        raise ValueError(
            f"{path.name} has an array 'context' already. Received: context={context!r} as well; leave one out"
        )
    example_names = [name for name in names if name not in context_names]
    if columns is not None:
        example_names = _choose(columns, names, "columns", path)
    both = [name for name in example_names if name in context_names]
    if both or not example_names:
        raise ValueError(
            "At least one column must be modelled, and none both modelled and conditioned on. "
            f"Received: columns={columns!r}, context={context!r} of {names}"
        )
    if dtype is not None:
        check_choice(("float32", "float64"), dtype=dtype)
    examples = _matrix({name: table[name] for name in example_names}, names, table, path, dtype)
    rows = split_rows(len(examples), seed=seed, fractions=fractions)
    given = {name: table[name] for name in context_names}
    if array is not None:
        given = {f"context[{i}]": column for i, column in enumerate(array.reshape(len(array), -1).T)}
    if labels and not given:
        raise ValueError(f"`labels` needs a context. Received: labels={labels!r}, context={context!r}")
    known = _context(given, labels, path, classes, dtype) if given else {}
    conditioning, found = known.pop("context", None), known.pop("classes", {})
    return Dataset(
        path.stem,
        *(examples[part] for part in rows),
        *(None if conditioning is None else conditioning[part] for part in rows),
        columns=tuple(map(str, example_names)),
        table=FileColumns(
            {str(name): kind for name, kind in dtypes.items() if name in (*example_names, *context_names)},
            list(map(str, context_names)),
            header,
            found,
        ),
        description=f"{len(examples)} rows of {path.name}.",
        **known,
    )


def _choose(wanted, names, argument, path):
    """The names in `wanted`, each checked to be among `names`."""
    if wanted is None:
        return []
    wanted = [wanted] if isinstance(wanted, (str, int, np.integer)) else list(wanted)
    by_index = isinstance(names[0], int)
    chosen = []
    for name in wanted:
        is_index = isinstance(name, (int, np.integer)) and not isinstance(name, bool)
        if by_index and is_index and -len(names) <= name < len(names):
            name = int(name) % len(names)
        elif by_index or name not in names:
            have = f"indices 0 to {len(names) - 1}" if by_index else ", ".join(names)
            hint = "" if by_index else did_you_mean(name, names)
            raise ValueError(
                f"`{argument}` must choose from the columns of {path.name}: {have}.{hint} Received: {name!r}"
            )
        if name in chosen:
            raise ValueError(f"`{argument}` must choose each column once. Received: {name!r} twice")
        chosen.append(name)
    return chosen


def _matrix(chosen, names, table, path, dtype):
    """The chosen columns as `[N, D]`, finite in float32, and in it unless it loses the spread of one."""
    text = [name for name, column in chosen.items() if _is_text(column)]
    if text:
        numeric = [name for name in names if not _is_text(table[name])]
        raise ValueError(
            f"Columns must be numeric. Received: {path.name} with {'; '.join(_why(n, chosen[n]) for n in text)}. "
            f"Choose others, for example columns={numeric}, or condition on a text column with context="
        )
    exact = np.stack([np.asarray(column, dtype=np.float64) for column in chosen.values()], axis=1)
    with np.errstate(over="ignore"):
        matrix = exact.astype(np.float32)
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"Values must be finite in float32 (no NaN, no infinity, magnitude below 3.4e38). Received: {path.name} "
            f"with {int(bad.sum())} that are not, in {int(bad.any(axis=1).sum())} of {len(bad)} rows; the first is "
            f"{exact[row, column]} at row {row} (from 0, header not counted), column {list(chosen)[column]!r}"
        )
    if dtype is not None:
        return exact.astype(dtype)
    location, scale, varies = standardization.location_and_scale(exact, robust=True)
    return exact if (varies & standardization.lost(location, scale, np.float32)).any() else matrix


def _context(chosen, labels, path, classes, dtype):
    """The context as labels or values, with what a `Dataset` wants to know about it."""
    name, column = next(iter(chosen.items()))
    if labels is None:
        labels = len(chosen) == 1 and (_is_text(column) or column.dtype.kind in "biu")
        if labels and (count := len(set(column.tolist()))) > conditions.MOST_CLASSES:
            raise ValueError(
                f"A context of more than {conditions.MOST_CLASSES} different values must say what it is: pass "
                f"labels=True for classes, labels=False for numbers. Received: {path.name}, {name!r} with {count}"
            )
    if not labels and len(chosen) > 1 and (classes or any(map(_is_text, chosen.values()))):
        numbers = lambda columns: _matrix(columns, list(columns), columns, path, dtype and np.float64)  # noqa: E731
        values, found = conditions.encoded(chosen, numbers, path, classes)
        return {"context": values, "classes": found}
    if not labels:
        return {"context": _matrix(chosen, list(chosen), chosen, path, dtype and np.float64)}
    if len(chosen) > 1:
        raise ValueError(f"Labels are one column. Received: labels={labels!r} with {list(chosen)}")
    missing = np.flatnonzero(pandas.isna(column)).tolist()
    if missing:
        raise ValueError(
            f"Labels must not be missing. Received: {path.name}, {name!r} with {len(missing)} missing, the first at "
            f"row {missing[0]} (from 0, header not counted)"
        )
    if column.dtype.kind == "f":
        wrong = np.flatnonzero(column != np.round(column))
        if len(wrong):
            raise ValueError(
                f"Numeric labels must be whole numbers. Received: {path.name}, {name!r} with {column[wrong[0]]} "
                f"at row {wrong[0]}"
            )
        column = column.astype(np.int64)
    elif _is_text(column):
        column = column.astype(str)
    classes, numbers = np.unique(column, return_inverse=True)
    return {
        "context": numbers.reshape(-1).astype(np.int32),
        "num_classes": len(classes),
        "class_names": tuple(map(str, classes.tolist())),
    }


def _is_text(column):
    return column.dtype.kind not in "biuf"


def _why(name, column):
    """Names a text column and its first entry that is not a number."""
    for row, value in enumerate(column):
        if not is_number(value):
            return f"{name!r} (first {value!r} at row {row})"
    return f"{name!r} (of type {type(column[0]).__name__})"
