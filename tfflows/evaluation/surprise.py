"""Which entry of an event is odd, given the others: for any density."""

import numpy as np
import scipy.special

from tfflows.evaluation.likelihood import checked_shape

_ENTRIES = 2**22  # in one call of a model
_BESIDE = np.linspace(-4.0, 4.0, 33)


def conditional_surprise(model, x, grid, *, width):
    """Surprise of each entry given all others, in nats.

        s_j(x) = -log p(x_j | x_-j) = log integral p(x_1, .., t, .., x_D) dt - log p(x)

    The integral over entry `j` is the trapezoids' on `grid[:, j]` and 33 points within four `width`s of `x_j`: right as
    far as the density is smooth between these, and ends with them. A factor of `p` cancels.

    Args:
      model: anything with `log_prob(x)` of vectors, nats `[batch]`; not finite counts as a density of 0.
      x: array `[n, D]`.
      grid: array `[G, D]`, values of each entry, in any order.
      width: float, scale over which the density varies.

    Returns:
      float64 `[n, D]`; infinite where the density of `x` is 0. It costs `(G + 33) D` log-probabilities a row.

    Raises:
      ValueError: a grid of other columns, or log-probabilities that are not one for each row.
    """
    x, grid = np.asarray(x), np.asarray(grid)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    if x.ndim != 2 or grid.ndim != 2 or x.shape[1] != grid.shape[1]:
        raise ValueError(f"`x` and `grid` must have the same columns. Received: shapes {x.shape} and {grid.shape}")
    columns = x.shape[1]
    at_once = max(1, _ENTRIES // (columns * (len(grid) + len(_BESIDE))))
    found = np.empty(x.shape)
    log_p = _log_prob(model, x)
    for i, row in enumerate(x):
        points = np.sort(np.concatenate([grid, row + width * _BESIDE[:, None]]), axis=0).astype(x.dtype)
        for start in range(0, columns, at_once):
            some = np.arange(start, min(start + at_once, columns))
            moved = np.tile(row, (len(some), len(points), 1))
            moved[np.arange(len(some)), :, some] = points[:, some].T
            log_q = _log_prob(model, moved.reshape(-1, columns)).reshape(len(some), len(points))
            line = _log_integral(log_q, points[:, some].T.astype(np.float64))
            found[i, some] = np.inf if np.isneginf(log_p[i]) else line - log_p[i]
    return found


def _log_prob(model, x):
    values = checked_shape(model.log_prob(x), (len(x),))
    return np.where(np.isfinite(values), values, -np.inf)


def _log_integral(log_q, points):
    """Log of the trapezoids' integral along the last axis."""
    steps = np.diff(points)
    halves = (np.pad(steps, ((0, 0), (1, 0))) + np.pad(steps, ((0, 0), (0, 1)))) / 2
    return scipy.special.logsumexp(log_q, b=halves, axis=1)
