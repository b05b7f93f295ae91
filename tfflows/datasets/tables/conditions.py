"""Columns of numbers and of text as one context, and back: text is ones and zeros, one for each of its classes."""

import numpy as np
import pandas

MOST_CLASSES = 100


def encoded(columns, numbers, path, classes=None):
    """Values `[N, C]` of columns of which some are text, and the classes of these.

    Args:
      columns: dict from names to arrays `[N]`.
      numbers: function of a dict of columns of numbers, their values `[N, n]`; it refuses what is not finite.
      path: of the file, which errors name.
      classes: dict from names of text columns to the classes, if these are known; all there are otherwise, sorted.

    Raises:
      ValueError: missing text, more than 100 classes, or one that is not among those known.
    """
    parts, found = [], {}
    for name, column in columns.items():
        if column.dtype.kind in "biuf" and name not in (classes or {}):
            parts.append(numbers({name: column}))
            continue
        missing = np.flatnonzero(pandas.isna(column)).tolist()
        text = column.astype(str)
        known = list((classes or {}).get(name) or np.unique(text).tolist())
        strange = sorted(set(map(str, text)) - set(known))
        if missing or strange or len(known) > MOST_CLASSES:
            received = f"{len(missing)} missing, the first at row {missing[0]} (from 0)" if missing else ""
            received = received or (f"{strange[:3]}, not among {known[:10]}" if strange else f"{len(known)} classes")
            raise ValueError(
                f"Text to condition on must be of at most {MOST_CLASSES} known classes, none missing. "
                f"Received: {path.name}, {name!r} with {received}"
            )
        found[str(name)] = known
        parts.append((text[:, None] == np.array(known)).astype(np.float32))
    return np.concatenate(parts, axis=1), found


def decoded(values, names, classes):
    """The columns, a dict, of values `[N, C]` that `encoded` gave; text is the class with the largest value."""
    sizes = [len(classes.get(name, (0,))) for name in names]
    parts = dict(zip(names, np.split(values, np.cumsum(sizes)[:-1], axis=1), strict=True))
    text = {name: np.array(known, object)[parts[name].argmax(axis=1)] for name, known in classes.items()}
    return {name: text[name] if name in text else part[:, 0] for name, part in parts.items()}
