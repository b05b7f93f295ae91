"""Errors of a flow, layer by layer."""

import numpy as np

from tfflows.plotting import style

_LEAST = 1e-17  # of a logarithmic axis


def examination_figure(layers, errors):
    """Errors of every layer on a logarithmic axis, data end on top.

    Args:
      layers: names `[n]`, data end first.
      errors: dict from what it is to its values `[n]`, NaN or `None` where there is none.
    """
    if not len(layers) or any(len(each) != len(layers) for each in errors.values()):
        raise ValueError(f"An error, or none, of every layer is needed. Received: {len(layers)} layers, {errors}")
    figure = style.new_figure(7.5, 1.0 + 0.17 * len(layers))
    axes = style.plain(figure.subplots())
    rows = np.arange(len(layers))
    for (name, values), colour, marker in zip(errors.items(), (style.DATA, style.SAMPLES), "o|"):
        values = np.array([np.nan if each is None else each for each in values], np.float64)
        axes.plot(np.maximum(values, _LEAST), rows, marker, color=colour, markersize=5, label=name)
    axes.set_xscale("log")
    axes.set_yticks(rows, list(map(str, layers)), fontsize=6)
    axes.invert_yaxis()
    axes.grid(axis="y", linewidth=0.3)
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure
