"""Likelihoods of single examples: of several sets beside each other, and how well they tell two sets apart."""

import numpy as np

from tfflows.plotting import style

_COLOURS = (style.DATA, style.SAMPLES, style.REFERENCE)


def likelihoods_figure(values, *, unit="nats"):
    """Histograms of the negative log-likelihoods of several sets, on the same bins, each of area 1.

    Args:
      values: dict from the name of a set to its values `[n]`, one to three sets.
      unit: str, of the values.
    """
    arrays = {name: _vector(each, name) for name, each in values.items()}
    if not 1 <= len(arrays) <= len(_COLOURS):
        raise ValueError(f"One to {len(_COLOURS)} sets are needed. Received: {len(arrays)}")
    together = np.concatenate(list(arrays.values()))
    low, high = style.limits(together)
    bins = np.linspace(low, high, style.num_bins(min(map(len, arrays.values()))) + 1)
    figure = style.new_figure(7, 3.5)
    axes = style.plain(figure.subplots())
    for (name, each), colour in zip(arrays.items(), _COLOURS):
        label = f"{name} ({len(each):,}): mean {each.mean():.4g}"
        axes.hist(np.clip(each, low, high), bins, density=True, color=colour, alpha=0.35)
        axes.hist(np.clip(each, low, high), bins, density=True, color=colour, histtype="step", label=label)
    axes.set(xlabel=f"negative log-likelihood of an example ({unit}); ends hold what is beyond", ylabel="density")
    axes.legend(frameon=False)
    return figure


def separation_figure(false_alarms, hits, *, title=""):
    """The share of one set that is found against that of the other which is taken for it, as a threshold moves.

    Args:
      false_alarms, hits: arrays `[n]` from 0 to 1, both rising: scikit-learn's `roc_curve`.
      title: str.
    """
    false_alarms, hits = _vector(false_alarms, "false_alarms"), _vector(hits, "hits")
    if len(false_alarms) != len(hits):
        raise ValueError(f"As many false alarms as hits are needed. Received: {len(false_alarms)} and {len(hits)}")
    figure = style.new_figure(4.2, 4.2)
    axes = style.plain(figure.subplots())
    axes.plot(false_alarms, hits, color=style.DATA)
    axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
    axes.set(xlabel="false alarms", ylabel="hits", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axes.set_title(title, loc="left", fontsize=9)
    return figure


def _vector(values, what):
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"`{what}` must be numbers [n], one or more. Received: shape {list(values.shape)}")
    return style.finite(values, what)
