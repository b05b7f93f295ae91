"""Location and scale of data, one set of rules for events, contexts and features."""

import numpy as np

_OF_A_CONSTANT = 1e-6  # its scale, as a share of its size
_STEPS_OF_A_SCALE = 100  # between neighbouring numbers, at least
_FEW = 0.01  # of the rows
_MOST_DEVIATIONS, _MOST_VARIANCE = 20, 0.5  # of which these few may be the reason
_QUARTILE = 0.6744897501960817  # of a standard normal


def location_and_scale(rows, *, robust=False):
    """Mean and standard deviation of each column, in float64, and what is taken where there is no deviation.

    A column varies if its standard deviation is above the distance between neighbouring numbers of its own dtype at
    its largest value, whatever its unit: data of size 1e-21 do. One that does not has a millionth of its size as scale.

    Args:
      rows: floating array `[n, C]`, finite, `n >= 1`, in the dtype that the values came in.
      robust: bool, whether columns that outliers rule, see there, have median and quartile instead.

    Returns:
      `(location, scale, varies)`: float64 `[C]` twice, bool `[C]`.
    """
    values = rows.astype(np.float64)
    largest = np.abs(values).max(axis=0)
    location, scale = values.mean(axis=0), values.std(axis=0)
    varies = scale > np.spacing(largest.astype(rows.dtype)).astype(np.float64)
    scale = np.where(varies, scale, _OF_A_CONSTANT * np.where(largest > 0, largest, 1))
    if robust:
        ruled, median, quartile = outliers_rule(values)
        location, scale = np.where(ruled, median, location), np.where(ruled, quartile, scale)
    return location, scale, varies


def outliers_rule(values):
    """Which columns have moments that say little of most rows, as those of log-normal or Cauchy variables.

    In them the standard deviation is more than 20 times the distance between the median and the nearer quartile,
    in units of that of a standard normal, and one row in a hundred has more than half of the variance.

    Args:
      values: float64 array `[n, C]`.

    Returns:
      `(ruled, median, quartile)`: bool `[C]`; the median, and that distance in that unit, float64 `[C]`.
    """
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    quartile = np.minimum(high - median, median - low) / _QUARTILE
    ruled = (quartile > 0) & (values.std(axis=0) > _MOST_DEVIATIONS * quartile)
    for i in np.flatnonzero(ruled):
        squares = np.sort((values[:, i] - values[:, i].mean()) ** 2)
        ruled[i] = squares[-max(1, int(_FEW * len(squares))) :].sum() > _MOST_VARIANCE * squares.sum()
    return ruled, median, quartile


def lost(location, scale, dtype):
    """Which columns of that location and scale, float64 `[C]`, have too few numbers in a dtype to tell values apart."""
    return scale < _STEPS_OF_A_SCALE * spacing(location, dtype)


def spacing(location, dtype):
    """The distance between neighbouring numbers of a dtype at a location, float64 `[C]`."""
    return np.spacing(np.abs(location).astype(dtype)).astype(np.float64)
