"""Learning curves: the course of training."""

import math

import numpy as np

from tfflows.plotting import style


def training_figure(train, validation=None, *, best_epoch=None, entropy=None, num_dims=None):
    """Negative log-likelihood per epoch, in nats, or in bits per dimension.

    The first epochs of a flow are often hundreds of nats worse than the rest: the axis ends where nine tenths of the
    values fit.

    Args:
      train: array `[epochs]`, nats per example, one per epoch; the first epoch is number 1.
      validation: array `[epochs]` or `None`.
      best_epoch: int from 1 to the last epoch, marked on the validation curve (or on the other, when there is none).
      entropy: float, entropy of the true density in nats, the least any model can reach; `None` where unknown.
      num_dims: int, entries of a discrete example: values are divided by `num_dims log 2` and shown as bits per
        dimension. `None` for nats.
    """
    curves = {"training": np.asarray(train, dtype=np.float64)}
    if validation is not None:
        curves["validation"] = np.asarray(validation, dtype=np.float64)
    shapes = {what: curve.shape for what, curve in curves.items()}
    count = len(np.atleast_1d(curves["training"]))
    if not count or set(shapes.values()) != {(count,)}:
        raise ValueError(f"One value per epoch is needed, and at least one epoch. Received: shapes {shapes}")
    if best_epoch is not None and not 1 <= best_epoch <= count:
        raise ValueError(f"`best_epoch` must be from 1 to {count}. Received: {best_epoch}")
    label = "negative log-likelihood (nats per example)"
    if num_dims is not None:
        nats = num_dims * math.log(2)
        label, entropy = "bits per dimension", None if entropy is None else entropy / nats
        curves = {what: curve / nats for what, curve in curves.items()}
    epochs = np.arange(1, count + 1)
    figure = style.new_figure(7, 4.2)
    axes = style.plain(figure.subplots())
    marker = "o" if count <= 30 else None
    for (what, curve), colour in zip(curves.items(), (style.DATA, style.SAMPLES)):
        axes.plot(epochs, curve, color=colour, marker=marker, markersize=3, linewidth=1.5, label=what)
    if best_epoch is not None and np.isfinite(best := list(curves.values())[-1][best_epoch - 1]):
        star = {"marker": "*", "markersize": 13, "color": "black", "markerfacecolor": "#F0E442", "zorder": 3}
        axes.plot([best_epoch], [best], linestyle="none", **star, label=f"best epoch {best_epoch}, {best:.3f}")
    if entropy is not None:
        true = f"true entropy, {entropy:.3f}"
        axes.axhline(entropy, color=style.REFERENCE, linestyle="--", linewidth=1, label=true)
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(*_range(list(curves.values()), entropy))
    axes.legend(frameon=False)
    return figure


def _range(curves, entropy):
    """Limits of the vertical axis: from the lowest value to one that nine tenths of all are below."""
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low = min(values.min(), np.inf if entropy is None else entropy)
    high = np.quantile(values, 0.9) if len(values) > 10 else values.max()
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad
