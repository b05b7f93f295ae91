"""Rows of a model as rows of the file that it was trained on."""

import dataclasses

import numpy as np
import pandas

from tfflows.datasets.tables import conditions


@dataclasses.dataclass(frozen=True)
class FileColumns:
    """The columns of a file that are modelled or conditioned on.

    Attributes:
      dtypes: dict from their names to the names of pandas's dtypes, in the order of the file.
      context: list of the names of those conditioned on.
      header: whether the file starts with the names.
      classes: dict from the names of text columns of a context of several columns to their classes.
    """

    dtypes: dict
    context: list
    header: bool = True
    classes: dict = dataclasses.field(default_factory=dict)


def frame(x, columns, *, context=None, class_names=None, table=None):
    """Rows as a `pandas.DataFrame`: in the file's columns, order and dtypes, if there is a file.

    Values of integer columns are rounded to the nearest that the dtype has, booleans are true from 0.5.

    Args:
      x: examples `[N, ...]`.
      columns: names of their components; `None` for `x1`, `x2`, ...
      context: labels `[N]` or values `[N, C]`; `None` leaves their columns out.
      class_names: of labels, which are given by name: in the file's column, without a file in one called `class`.
      table: `FileColumns` of the file; `None` leaves numbers as they are.
    """
    x = np.asarray(x)
    x = x.reshape(len(x), -1)
    names = list(columns or (f"x{i + 1}" for i in range(x.shape[1])))
    labels = None if context is None or class_names is None else np.array(class_names, object)[np.asarray(context)]
    if table is None:
        rows = pandas.DataFrame(x, columns=names)
        if labels is not None:
            rows.insert(x.shape[1], "class", labels, allow_duplicates=True)
        return rows
    values = dict(zip(names, x.T, strict=True))
    if labels is not None:
        values |= dict.fromkeys(table.context or ["class"], labels)
    elif context is not None and table.context:
        values |= conditions.decoded(np.asarray(context), table.context, table.classes)
    dtypes = {**table.dtypes, **{name: "object" for name in values if name not in table.dtypes}}
    return pandas.DataFrame({name: _as(values[name], dtype) for name, dtype in dtypes.items() if name in values})


def _as(values, dtype):
    dtype = pandas.api.types.pandas_dtype(dtype)
    is_text = values.dtype == object
    if pandas.api.types.is_bool_dtype(dtype):
        values = values == "True" if is_text else values >= 0.5
    elif pandas.api.types.is_integer_dtype(dtype) and not is_text:
        limits = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
        most = float(limits.max)  # which rounds up for 64 bits
        most = most if int(most) <= limits.max else np.nextafter(most, 0)
        whole = np.clip(np.rint(values.astype(np.float64)), limits.min, most)
        values = whole.astype(limits.dtype)
    return pandas.Series(values).astype(dtype)
