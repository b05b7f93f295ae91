"""Reliability diagrams: confidence beside accuracy."""

import numpy as np

from tfflows.plotting import style


def reliability_figure(edges, confidences, accuracies, counts, *, title=""):
    """Accuracy by confidence, as bars beside the line of what would be calibrated, above a histogram of confidences.

    Args:
      edges: array `[bins + 1]`, rising from 0 to 1, as `evaluation.reliability` gives all of them.
      confidences, accuracies: arrays `[bins]`, not used where a bin is empty.
      counts: integers `[bins]`, not all 0.
      title: str.
    """
    edges, confidences, accuracies, counts = map(np.asarray, (edges, confidences, accuracies, counts))
    shapes = [each.shape for each in (confidences, accuracies, counts)]
    if edges.ndim != 1 or shapes != 3 * [(len(edges) - 1,)] or counts.sum() < 1 or not (np.diff(edges) > 0).all():
        raise ValueError(
            "Rising edges [bins + 1] and confidences, accuracies and counts [bins] are needed, not all counts 0. "
            f"Received: shapes {edges.shape}, {', '.join(map(str, shapes))}, {int(counts.sum())} counted"
        )
    known = counts > 0
    style.finite(np.concatenate([confidences[known], accuracies[known]]), "confidences and accuracies")
    figure = style.new_figure(4.2, 5.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    left, width = edges[:-1][known], np.diff(edges)[known]
    bars = {"align": "edge", "edgecolor": "white", "linewidth": 0.5}
    upper.bar(left, accuracies[known], width, color=style.DATA, alpha=0.7, label="accuracy", **bars)
    upper.plot([0, 1], [0, 1], color=style.REFERENCE, linestyle="--", linewidth=1, label="calibrated")
    dots = {"color": style.SAMPLES, "markersize": 4, "clip_on": False}  # whole also where a bin is never right
    upper.plot(confidences[known], accuracies[known], "o", label="mean of a bin", **dots)
    style.plain(upper).set(ylabel="accuracy", ylim=(0, 1.02), xlim=(0, 1))
    upper.set_title(title, loc="left", fontsize=10)
    upper.legend(frameon=False, loc="upper left")
    lower.bar(left, counts[known] / counts.sum(), width, color=style.SAMPLES, alpha=0.7, **bars)
    style.plain(lower).set(xlabel="confidence: probability of the class that is named", ylabel="share", ylim=(0, 1))
    return figure
