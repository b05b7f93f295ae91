"""Location and scale of data, one set of rules for events, contexts and features."""

import numpy as np

_OF_A_CONSTANT = 1e-6  # its scale, as a share of its size
_STEPS_OF_A_SCALE = 100  # between neighbouring numbers, at least


def location_and_scale(rows):
    """Mean and standard deviation of each column, in float64, and what is taken where there is no deviation.

    A column varies if its standard deviation is above the distance between neighbouring numbers of its own dtype at
    its largest value, whatever its unit: data of size 1e-21 do. One that does not has a millionth of its size as scale.

    Args:
      rows: floating array `[n, C]`, finite, `n >= 1`, in the dtype that the values came in.

    Returns:
      `(location, scale, varies)`: float64 `[C]` twice, bool `[C]`.
    """
    values = rows.astype(np.float64)
    largest = np.abs(values).max(axis=0)
    location, scale = values.mean(axis=0), values.std(axis=0)
    varies = scale > np.spacing(largest.astype(rows.dtype)).astype(np.float64)
    return location, np.where(varies, scale, _OF_A_CONSTANT * np.where(largest > 0, largest, 1)), varies


def lost(location, scale, dtype):
    """Which columns of that location and scale, float64 `[C]`, have too few numbers in a dtype to tell values apart."""
    return scale < _STEPS_OF_A_SCALE * spacing(location, dtype)


def spacing(location, dtype):
    """The distance between neighbouring numbers of a dtype at a location, float64 `[C]`."""
    return np.spacing(np.abs(location).astype(dtype)).astype(np.float64)
