"""Samples of a flow beside the data it was trained on."""

import numpy as np

from tfflows.plotting import style


def samples_figure(data, samples, *, names=None, bounds=None, max_columns=4):
    """Data and samples: in two dimensions side by side, in others a grid of pairs of columns.

    The grid has, for the first `max_columns` columns that vary, histograms of both on the diagonal and both as
    points below it. Axes are limited by the data: all but the outermost 0.1 % at either end.

    Args:
      data: array `[n, D]`.
      samples: array `[m, D]`.
      names: one name per column, with its unit where there is one; `x1, x2, ...` by default.
      bounds: `((xmin, xmax), (ymin, ymax))` of both panels, for `D = 2`; by default from the data.
      max_columns: int, most columns in the grid.
    """
    data, samples = style.matrix(data, "data"), style.matrix(samples, "samples")
    size = data.shape[1]
    if samples.shape[1] != size:
        raise ValueError(
            f"`data` and `samples` must have the same columns. Received: {size} and {samples.shape[1]} columns"
        )
    names = style.column_names(names, size)
    if size == 2:
        return _side_by_side(data, samples, names, bounds)
    varying = np.flatnonzero(data.std(axis=0) > 0)
    columns = (varying if len(varying) else np.arange(size))[:max_columns]
    return _grid(data[:, columns], samples[:, columns], [names[i] for i in columns], size)


def _side_by_side(data, samples, names, bounds):
    bounds = [style.limits(column) for column in data.T] if bounds is None else bounds
    figure = style.new_figure(9, 4.5)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, points, colour, title in zip(
        panels, (data, samples), (style.DATA, style.SAMPLES), ("data", "samples of the flow")
    ):
        style.dots(style.plain(axes), *points.T, colour)
        axes.set(title=f"{title} ({len(points):,})", xlabel=names[0], xlim=bounds[0], ylim=bounds[1])
    panels[0].set_ylabel(names[1])
    return figure


def _grid(data, samples, names, size):
    count = len(names)
    figure = style.new_figure(*((6, 4) if count == 1 else (2.2 * count + 0.6, 2.2 * count + 0.6)))
    panels = figure.subplots(count, count, squeeze=False, sharex="col")
    bounds = [style.limits(column) for column in data.T]
    for i in range(count):
        for j in range(count):
            axes = panels[i, j]
            if j > i:
                axes.set_axis_off()
                continue
            style.plain(axes)
            if i == j:
                _histograms(axes, data[:, i], samples[:, i], bounds[i])
            else:
                style.dots(axes, data[:, j], data[:, i], style.DATA)
                style.dots(axes, samples[:, j], samples[:, i], style.SAMPLES)
                axes.set_ylim(bounds[i])
            axes.set_xlim(bounds[j])
            axes.tick_params(labelsize=7, labelbottom=i == count - 1, labelleft=j == 0 and i > 0)
            axes.locator_params(nbins=4)
            if i == count - 1:
                axes.set_xlabel(names[j])
            if j == 0 and i > 0:
                axes.set_ylabel(names[i])
    lines = panels[0, 0].get_legend_handles_labels()
    counts = (f"data ({len(data):,})", f"samples of the flow ({len(samples):,})")
    figure.legend(lines[0], counts, loc="outside upper right" if count == 1 else "upper right", frameon=False)
    if count < size:
        figure.suptitle(f"{count} of {size} columns", **style.HEAD)
    return figure


def _histograms(axes, data, samples, bounds):
    bins = np.linspace(*bounds, style.num_bins(len(data)) + 1)
    axes.hist(data, bins, density=True, color=style.DATA, alpha=0.35, label="data")
    axes.hist(samples, bins, density=True, histtype="step", color=style.SAMPLES, linewidth=1.5, label="samples")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
