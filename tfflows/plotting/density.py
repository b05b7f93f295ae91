"""Densities: over a line as a curve, over the plane as a heat map."""

import numpy as np

from tfflows.plotting import style


def density_curve_figure(x, log_prob, data=None, *, true_log_prob=None, name=None, label="flow"):
    """The density `exp(log_prob)` of one number as a curve, over a histogram of data.

    The histogram is of the data between the ends of `x`; its area is their share of all.

    Args:
      x: grid, `[n]`, increasing.
      log_prob: log-density of the flow in nats, `[n]`; `-inf` is a density of zero.
      data: array `[m]`, or `None`.
      true_log_prob: of the true density, as `log_prob`, or `None`.
      name: of the axis, with its unit where there is one; `x1` by default.
      label: str, what the curve is of.
    """
    x = _increasing(x, "x")
    curves = [(label, _density(log_prob, (len(x),), "log_prob"), style.SAMPLES, "-")]
    if true_log_prob is not None:
        curves.append(("true density", _density(true_log_prob, (len(x),), "true_log_prob"), style.REFERENCE, "--"))
    name = style.column_names(name and [name], 1)[0]
    figure = style.new_figure(6, 4)
    axes = style.plain(figure.subplots())
    if data is not None:
        data = style.matrix(np.reshape(data, [-1, 1]), "data")[:, 0]
        edges = np.linspace(x[0], x[-1], style.num_bins(len(data)) + 1)
        heights = np.histogram(data, edges)[0] / (len(data) * np.diff(edges))
        axes.stairs(heights, edges, fill=True, color=style.DATA, alpha=0.35, label=f"data ({len(data):,})")
    for what, density, colour, line in curves:
        axes.plot(x, density, color=colour, linestyle=line, linewidth=1.5, label=what)
    axes.set(xlabel=name, ylabel=f"density (per unit of {name})", xlim=(x[0], x[-1]), ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def density_figure(x, y, log_prob, *, true_log_prob=None, names=None):
    """The density `exp(log_prob)` on a grid, the true density beside it on the same colour scale when it is known.

    The scale ends at the larger of the two 99.9 % quantiles, so one sharp peak does not darken the rest.

    Args:
      x, y: grids along the two axes of the plane, `[nx]` and `[ny]`, increasing.
      log_prob: log-density of the flow in nats, `[ny, nx]`, row by row: `log_prob[j, i]` at `(x[i], y[j])`; `-inf` is a
        density of zero, NaN and positive infinity are refused.
      true_log_prob: of the true density, the same, or `None`.
      names: names of the two axes, `x1` and `x2` by default.
    """
    x, y = (_increasing(grid, what) for grid, what in ((x, "x"), (y, "y")))
    shape = len(y), len(x)
    panels = [("flow", _density(log_prob, shape, "log_prob"))]
    if true_log_prob is not None:
        panels.insert(0, ("true density", _density(true_log_prob, shape, "true_log_prob")))
    names = style.column_names(names, 2)
    peak = max(float(np.quantile(density, 0.999)) for _, density in panels)
    figure = style.new_figure(4.2 * len(panels) + 1, 4)
    all_axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, density) in zip(all_axes, panels):
        image = _heat_map(axes, x, y, density, peak)
        axes.set(title=title, xlabel=names[0], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    all_axes[0].set_ylabel(names[1])
    figure.colorbar(image, ax=list(all_axes), label="density (per unit area)", extend="max")
    return figure


def density_rows_figure(x, y, log_probs, *, rows, columns):
    """Rows of densities on one grid, the same colour scale along a row: a target, then its fits.

    The scale of a row ends at the 99.9 % quantile of its first density.

    Args:
      x, y: grids of the two axes, as in `density_figure`.
      log_probs: log-densities in nats, `[len(rows), len(columns), ny, nx]`; `-inf` is a density of zero.
      rows: one label a row.
      columns: one title a column.
    """
    x, y = (_increasing(grid, what) for grid, what in ((x, "x"), (y, "y")))
    if len(log_probs) != len(rows) or any(len(row) != len(columns) for row in log_probs):
        raise ValueError(
            f"`log_probs` must hold {len(rows)} rows of {len(columns)}, as there are labels and titles. "
            f"Received: {len(log_probs)} rows of {sorted({len(row) for row in log_probs})}"
        )
    figure = style.new_figure(1.9 * len(columns) + 0.3, 1.9 * len(rows) + 0.3)
    panels = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for row, label, all_axes in zip(log_probs, rows, panels):
        densities = [_density(each, (len(y), len(x)), "log_probs") for each in row]
        peak = float(np.quantile(densities[0], 0.999))
        for density, axes in zip(densities, all_axes):
            _heat_map(axes, x, y, density, peak)
            axes.set(xticks=[], yticks=[], aspect="equal")
        all_axes[0].set_ylabel(label)
    for axes, title in zip(panels[0], columns):
        axes.set_title(title)
    return figure


def _heat_map(axes, x, y, density, peak):
    return axes.pcolormesh(x, y, density, shading="nearest", cmap="viridis", vmin=0, vmax=peak or 1.0, rasterized=True)


def _increasing(grid, what):
    grid = np.asarray(grid, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(f"`{what}` must be an increasing array of at least 2. Received: shape {list(grid.shape)}")
    return grid


def _density(log_prob, shape, what):
    log_prob = np.asarray(log_prob, dtype=np.float64)
    if log_prob.shape != shape:
        raise ValueError(f"`{what}` must have shape {list(shape)}. Received: shape {list(log_prob.shape)}")
    bad = int((np.isnan(log_prob) | (log_prob == np.inf)).sum())
    if bad:
        raise ValueError(f"`{what}` must be log-densities. Received: {bad} values that are NaN or plus infinity")
    return np.exp(log_prob)
