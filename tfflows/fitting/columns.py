"""What the columns of a table say against a continuous density of them."""

import warnings

import numpy as np

from tfflows.ops import standardization

_MOST_ENTRIES = 2_000_000  # that are looked at
_FEWEST_ROWS = 20  # of which repeated values say something
_SPIKE = 0.05  # share of one value


def warn(x, names=None):
    """Warns of columns in which values repeat, by name, all in one `UserWarning`.

    A density of such a column has no bound: the narrower it is around the values, the higher, whatever lies between.

    Args:
      x: floating array `[n, D]`; other ranks are not looked at.
      names: `D` names, or `None` for numbers from 0.
    """
    found = repeated(x) if x.ndim == 2 and len(x) >= _FEWEST_ROWS else {}
    if found:
        said = "; ".join(f"{i if names is None else repr(names[i])} {why}" for i, why in found.items())
        warnings.warn(
            f"The density of a column whose values repeat has no bound, and its log-probability says little. Columns: "
            f"{said}. Leave them out, condition on them, or add noise as wide as a step between values",
            stacklevel=3,
        )


def lost(x, dtype):
    """A column of an array `[n, D]` whose spread is lost in a narrower dtype, Unix seconds in float32 say.

    Returns:
      str that says which and how; empty if there is none.
    """
    location, scale, varies = standardization.location_and_scale(_some(x), robust=True)
    for i in np.flatnonzero(varies & standardization.lost(location, scale, dtype)):
        apart = f"where numbers are {standardization.spacing(location, dtype)[i]:.3g} apart"
        return f"column {i} around {location[i]:.6g} with a standard deviation of {scale[i]:.3g}, {apart}"
    return ""


def repeated(x):
    """The columns of an array `[n, D]` in which values repeat: a dict from column to what is wrong with it."""
    x = _some(x)
    varies = standardization.location_and_scale(x)[2]
    reasons = ((i, _reason(column) if varies[i] else "does not vary") for i, column in enumerate(x.T))
    return {i: reason for i, reason in reasons if reason}


def _some(x):
    return x[:: max(1, -(-x.size // _MOST_ENTRIES))]


def _reason(column):
    values, counts = np.unique(column, return_counts=True)
    most = counts.argmax()
    if len(values) < len(column) and (values == np.round(values)).all():
        return "holds integers"
    if 10 * len(values) <= len(column):
        return f"holds {len(values)} values"
    if counts[most] > _SPIKE * len(column):
        return f"is {values[most]:.6g} in {counts[most] / len(column):.0%} of the rows"
    return None
