"""The look all figures share."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# Okabe and Ito's colours, distinct under the common kinds of colour blindness.
DATA, SAMPLES, REFERENCE = "#0072B2", "#D55E00", "#4D4D4D"
DPI = 150
HEAD = {"fontsize": 10, "x": 0.01, "horizontalalignment": "left"}


def new_figure(width, height):
    """An empty figure of that size in inches, laid out so that labels never overlap."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    return figure


def plain(axes):
    """Removes the frame's top and right side; returns the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def image_inches(shape, columns):
    """Width and height in inches of one of `columns` images `[n, H, W, C]` beside each other: 0.5 to 1.5, by number."""
    _, height, width, _ = shape
    inches = float(np.clip(9 / columns, 0.5, 1.5))
    return inches, inches * (height + 1) / (width + 1)


def headed(figure, text):
    """Puts a line above all of a figure, such as model, data and likelihood, before one that is there; returns it."""
    known = figure.get_suptitle()
    figure.set_figheight(figure.get_figheight() + (0 if known else 0.3))  # room for the line
    figure.suptitle(f"{text}; {known}" if known else text, **HEAD)
    return figure


def frame(corner, width, height):
    """A frame around what stands out, in the colour of `SAMPLES`."""
    return Rectangle(corner, width, height, fill=False, edgecolor=SAMPLES, linewidth=1.5)


def dots(axes, x, y, colour):
    """Points whose size and opacity fall with their number, so that dense regions stay readable."""
    count = max(len(x), 1)
    size, alpha = np.clip(12_000 / count, 2.5, 12), np.clip(2500 / count, 0.15, 0.8)
    return axes.scatter(x, y, s=size, alpha=alpha, color=colour, linewidths=0, rasterized=True)


def limits(values):
    """`(low, high)` that hold all but the outermost 0.1 % of `values` at either end, and a margin."""
    low, high = np.quantile(values, [0.001, 0.999])
    pad = 0.05 * (high - low) or 0.5
    return float(low - pad), float(high + pad)


def num_bins(count):
    """How many bins a histogram of so many numbers has."""
    return int(np.clip(1.5 * np.sqrt(count), 8, 40))


def matrix(values, what):
    """`values` as a float array `[n, D]` of at least one row, all finite."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"`{what}` must be an array [n, D] of at least one row. Received: shape {list(values.shape)}")
    return finite(values, what)


def finite(values, what):
    """`values`; refuses any that are not finite."""
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ValueError(f"`{what}` must be finite. Received: {bad} non-finite values of {values.size}")
    return values


def column_names(names, size):
    """`names`, one per column, or `x1, ..., xD` where there are none."""
    names = [f"x{i + 1}" for i in range(size)] if names is None else list(map(str, names))
    if len(names) != size:
        raise ValueError(f"`names` must name each of {size} columns. Received: {len(names)} names")
    return names
