"""Rank histograms of simulation-based calibration."""

import numpy as np
import scipy.stats

from tfflows.plotting import style


def rank_histograms_figure(counts, *, names=None, coverage=0.99):
    """One histogram of ranks for each parameter, with the band that uniform ranks leave seldom.

    Args:
      counts: integer array `[D, bins]`, no row of zeros, as `evaluation.simulation_based_calibration` counts them.
      names: `D` strings; `None` for numbers.
      coverage: float in (0, 1), probability that the count of a bin lies in the band if ranks are uniform.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or not counts.size or counts.sum(axis=1).min() < 1:
        raise ValueError(f"`counts` must have shape [D, bins] and count something. Received: shape {counts.shape}")
    names = [f"parameter {i + 1}" for i in range(len(counts))] if names is None else list(names)
    if len(names) != len(counts):
        raise ValueError(f"`names` must name each of {len(counts)} parameters. Received: {names}")
    if not 0 < coverage < 1:
        raise ValueError(f"`coverage` must be between 0 and 1. Received: {coverage}")
    bins = counts.shape[1]
    figure = style.new_figure(3.4 * len(counts) + 0.6, 3.2)
    for axes, count, name in zip(np.ravel(figure.subplots(1, len(counts))), counts, names):
        axes = style.plain(axes)
        low, high = scipy.stats.binom(count.sum(), 1 / bins).interval(coverage)
        band = {"color": style.REFERENCE, "alpha": 0.3, "linewidth": 0, "zorder": 1}
        axes.axhspan(low, high, **band, label=f"{coverage:.0%} if uniform")
        # Before the band, which is seen through them.
        bars = {"width": 0.95 / bins, "color": style.SAMPLES, "alpha": 0.6, "zorder": 2}
        axes.bar((np.arange(bins) + 0.5) / bins, count, **bars, label="ranks")
        axes.axhline(count.sum() / bins, color=style.REFERENCE, linestyle="--", linewidth=1)
        top = 1.3 * max(high, count.max())  # room for the legend
        axes.set(xlabel=f"rank of {name} among the draws", ylabel="cases", xlim=(0, 1), ylim=(0, top))
        axes.legend(frameon=False, loc="upper center", ncols=2)
    return figure
