"""How far sets of examples are apart: histograms of likelihoods, ROC curves."""

import math

import numpy as np

from tfflows.plotting import style

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F", "#7F7F7F")
_COLUMNS = 3


def likelihood_histograms_figure(known, others=None, *, xlabel="bits per dimension"):
    """A panel for each other set: its likelihoods over those of the sets that a model knows; one panel without others.

    All panels have the same bins, so that areas compare; each histogram has the area 1. Sets that lie far from what the
    model knows are gathered at the ends.

    Args:
      known: dict from a name, such as "train" and "test", to values `[n]`, of one set or two; the first is an area,
        the second a line.
      others: dict from a name to values `[n]`, one panel each, or `None`.
      xlabel: what the values are.
    """
    if not 1 <= len(known) <= 2:
        raise ValueError(f"One known set or two are needed. Received: {list(known)}")
    known, others = ({name: _values(each, name) for name, each in sets.items()} for sets in (known, others or {}))
    low, high, clipped = _range(known, others)
    bins = np.linspace(low, high, 41)
    known, others = ({name: np.clip(each, low, high) for name, each in sets.items()} for sets in (known, others))
    xlabel += "\n(ends hold what is beyond)" if clipped else ""
    figure, panels = _panels(max(1, len(others)))
    for axes, (name, values) in zip(panels, others.items() or [(None, None)]):
        area, *line = known.items()
        axes.hist(area[1], bins, density=True, color=style.REFERENCE, alpha=0.35, label=f"{area[0]} ({len(area[1]):,})")
        for what, each in line:
            label = f"{what} ({len(each):,})"
            axes.hist(each, bins, density=True, histtype="step", color=style.DATA, linewidth=1.5, label=label)
        if name is not None:
            axes.hist(values, bins, density=True, color=style.SAMPLES, alpha=0.5, label=f"{name} ({len(values):,})")
        axes.set(xlabel=xlabel, ylabel="density", xlim=(low, high), ylim=(0, 1.35 * axes.get_ylim()[1]))  # the legend's
        axes.legend(frameon=False, fontsize=8)
    return figure


def roc_figure(curves):
    """A panel for each pair of sets, in it a curve for each score.

    Args:
      curves: dict from the name of a pair to a dict from the name of a score to `(false_positive_rates,
        true_positive_rates)`, arrays `[k]` from 0 to 1, as `evaluation.roc_curve` gives; at most nine scores.
    """
    names = list(dict.fromkeys(name for pair in curves.values() for name in pair))
    if not names or len(names) > len(_COLOURS):
        raise ValueError(f"Curves of 1 to {len(_COLOURS)} scores are needed. Received: {names}")
    colours = dict(zip(names, _COLOURS))
    figure, panels = _panels(len(curves), inches=3.2)
    for axes, (pair, by_score) in zip(panels, curves.items()):
        for name, (false, true) in by_score.items():
            false, true = _rates(false, name), _rates(true, name)
            if false.shape != true.shape:
                raise ValueError(f"Rates of {name!r} must be as many. Received: {len(false)} and {len(true)}")
            axes.plot(false, true, color=colours[name], linewidth=1.5, label=name)
        axes.plot([0, 1], [0, 1], color=style.REFERENCE, linestyle="--", linewidth=1)
        axes.set(xlabel="false-positive rate", ylabel="true-positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_title(pair, loc="left", fontsize=10)
        axes.set_aspect("equal")
    lines = {line.get_label(): line for axes in panels for line in axes.lines if line.get_label() in colours}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _range(known, others):
    """`(low, high, clipped)`: what holds all sets, or the known ones and twice their width at either side."""
    low, high = style.limits(np.concatenate(list(known.values())))
    first, last = low - 2 * (high - low), high + 2 * (high - low)
    everything = np.concatenate([*known.values(), *others.values()])
    clipped = np.clip(everything, first, last)
    return *style.limits(clipped), bool((clipped != everything).any())


def _panels(count, inches=2.6):
    """A figure and so many axes, at most three in a row."""
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    figure = style.new_figure(3.6 * columns + 0.3, inches * rows + 0.4)
    axes = np.ravel(figure.subplots(rows, columns))
    for each in axes[count:]:
        each.set_visible(False)
    return figure, [style.plain(each) for each in axes[:count]]


def _values(values, what):
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"Values of {what!r} must be an array [n], n at least 1. Received: shape {list(values.shape)}")
    return style.finite(values, what)


def _rates(values, what):
    values = _values(values, what)
    if (values < 0).any() or (values > 1).any() or (np.diff(values) < 0).any():
        raise ValueError(f"Rates of {what!r} must rise from 0 to 1. Received: {values.min()} to {values.max()}")
    return values
