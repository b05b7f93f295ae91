"""A density over the plane as a heat map."""

import numpy as np

from tfflows.plotting import style


def density_figure(x, y, log_prob, *, true_log_prob=None, names=None):
    """The density `exp(log_prob)` on a grid, the true density beside it on the same colour scale when it is known.

    The scale ends at the larger of the two 99.9 % quantiles, so one sharp peak does not darken the rest.

    Args:
      x: grid along the first axis of the plane, `[nx]`, increasing.
      y: grid along the second, `[ny]`, increasing.
      log_prob: log-density of the flow in nats, `[ny, nx]`, row by row: `log_prob[j, i]` at `(x[i], y[j])`.
      true_log_prob: of the true density, `[ny, nx]`, or `None`; `-inf` is a density of zero.
      names: names of the two axes, `x1` and `x2` by default.

    Returns:
      `matplotlib.figure.Figure`.

    Raises:
      ValueError: grids that do not increase, log-densities of another shape, NaN or positive infinity.
    """
    x, y = (_increasing(grid, what) for grid, what in ((x, "x"), (y, "y")))
    panels = [("flow", _density(log_prob, x, y, "log_prob"))]
    if true_log_prob is not None:
        panels.insert(0, ("true density", _density(true_log_prob, x, y, "true_log_prob")))
    names = style.column_names(names, 2)
    peak = max(float(np.quantile(density, 0.999)) for _, density in panels)
    figure = style.new_figure(4.2 * len(panels) + 1, 4)
    all_axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, density) in zip(all_axes, panels):
        image = axes.pcolormesh(
            x, y, density, shading="nearest", cmap="viridis", vmin=0, vmax=peak or 1.0, rasterized=True
        )
        axes.set(title=title, xlabel=names[0], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    all_axes[0].set_ylabel(names[1])
    figure.colorbar(image, ax=list(all_axes), label="density (per unit area)", extend="max")
    return figure


def _increasing(grid, what):
    grid = np.asarray(grid, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(f"`{what}` must be an increasing array of at least 2. Received: shape {list(grid.shape)}")
    return grid


def _density(log_prob, x, y, what):
    log_prob = np.asarray(log_prob, dtype=np.float64)
    if log_prob.shape != (len(y), len(x)):
        raise ValueError(f"`{what}` must have shape [{len(y)}, {len(x)}]. Received: shape {list(log_prob.shape)}")
    bad = int((np.isnan(log_prob) | (log_prob == np.inf)).sum())
    if bad:
        raise ValueError(f"`{what}` must be log-densities. Received: {bad} values that are NaN or plus infinity")
    return np.exp(log_prob)
