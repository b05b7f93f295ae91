"""Points on their way through a flow, layer by layer."""

import matplotlib
import numpy as np

from tfflows.plotting import style


def layers_figure(values, *, names=None, columns=6):
    """The first two coordinates of points after each layer, a panel each; a point keeps its colour.

    Colours tell the angle of a point in the first panel, about the mean, so that one sees what is turned, stretched and
    folded where.

    Args:
      values: sequence of arrays `[n, D]`, `D >= 2`, the same points in the same order: `flow.intermediates(z)`.
      names: one title for each panel; "latent", the numbers of the layers and "data" by default.
      columns: int, panels in a row.
    """
    values = [style.matrix(each, "values") for each in values]
    if not values or len({len(each) for each in values}) > 1 or min(each.shape[1] for each in values) < 2:
        shapes = [list(each.shape) for each in values]
        raise ValueError(f"`values` must be arrays [n, D] of the same points, D at least 2. Received: shapes {shapes}")
    last = len(values) - 1
    names = ["latent", *map(str, range(1, last)), "data"][: last + 1] if names is None else list(map(str, names))
    if len(names) != len(values):
        raise ValueError(f"`names` must name each of {len(values)} panels. Received: {len(names)} names")
    columns = min(columns, len(values))
    rows = -(-len(values) // columns)
    figure = style.new_figure(2.1 * columns + 0.2, 2.3 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    around = values[0][:, :2] - values[0][:, :2].mean(axis=0)
    colours = matplotlib.colormaps["twilight"](np.arctan2(*around.T[::-1]) / (2 * np.pi) + 0.5)
    for axes, points, name in zip(panels, values, names):
        style.dots(style.plain(axes), points[:, 0], points[:, 1], colours)
        axes.set(title=name, xlim=style.limits(points[:, 0]), ylim=style.limits(points[:, 1]))
        axes.tick_params(labelsize=7)
        axes.locator_params(nbins=3)
    for axes in panels[len(values) :]:
        axes.set_axis_off()
    return figure
