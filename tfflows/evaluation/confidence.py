"""Whether probabilities of classes are right: of what is said with 80 %, 80 % should hold."""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence beside accuracy, by bins of confidence, the probability of the most likely class.

    Attributes:
      edges: array `[bins + 1]`, from 0 to 1; a bin holds its upper edge.
      counts: integer array `[bins]`, examples.
      confidences, accuracies: arrays `[bins]`, means over the examples of a bin; NaN of empty ones.
      expected_calibration_error: float, `sum_b counts_b / n |accuracy_b - confidence_b|`.
      maximum_calibration_error: float, the largest of these differences.
      negative_log_likelihood: float, `-mean(log p(label))`, nats.
      brier_score: float, `mean(sum_k (p_k - [k = label])^2)`, from 0 to 2.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidences: np.ndarray
    accuracies: np.ndarray
    expected_calibration_error: float
    maximum_calibration_error: float
    negative_log_likelihood: float
    brier_score: float


def reliability(probabilities, labels, *, num_bins=15):
    """How well probabilities of classes fit what happens.

    Args:
      probabilities: array `[n, K]`, each row positive or 0 with the sum 1.
      labels: integers `[n]`, from 0 to `K - 1`.
      num_bins: int, of equal width.

    Returns:
      `Reliability`; `plotting.reliability_figure` draws it.

    Raises:
      ValueError: no examples, rows that are no probabilities (how many, where first), labels out of range.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import reliability
    >>> found = reliability([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], [0, 1, 1])  # 0.9 said twice, right once
    >>> round(found.expected_calibration_error, 4), int(found.counts.sum())
    (0.3333, 3)

    References:
      Guo, Pleiss, Sun, Weinberger. On calibration of modern neural networks. ICML 2017, arXiv 1706.04599, section 2.
    """
    check_integer(num_bins=num_bins)
    p, labels = checked_probabilities(probabilities), np.asarray(labels)
    if labels.shape != (len(p),) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= p.shape[1]:
        raise ValueError(
            f"`labels` must be integers from 0 to {p.shape[1] - 1}, one for each of {len(p)} rows. Received: shape "
            f"{labels.shape}, dtype {labels.dtype}"
            + (f", values {labels.min()} to {labels.max()}" if labels.size and labels.dtype.kind in "iuf" else "")
        )
    edges, confidence, right = np.linspace(0, 1, num_bins + 1), p.max(axis=1), p.argmax(axis=1) == labels
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        confidences, accuracies = (
            np.bincount(bins, weights=each, minlength=num_bins) / counts for each in (confidence, right)
        )
    gaps = np.abs(accuracies - confidences)[counts > 0]
    with np.errstate(divide="ignore"):
        nll = -np.log(p[np.arange(len(p)), labels]).mean()
    brier = ((p - np.eye(p.shape[1])[labels]) ** 2).sum(axis=1).mean()
    errors = (gaps * counts[counts > 0]).sum() / len(p), gaps.max(), nll, brier
    return Reliability(edges, counts, confidences, accuracies, *map(float, errors))


def checked_probabilities(probabilities):
    """Probabilities of classes as float64 `[n, K]`; refuses what are none."""
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or not len(p) or p.shape[1] < 2:
        raise ValueError(f"`probabilities` must have shape [n, K], n at least 1, K 2. Received: shape {p.shape}")
    bad = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) < 1e-4))
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(
            "Each row of `probabilities` must be positive or 0 with the sum 1. Received: "
            f"{int(bad.sum())} of {len(p)} that are not, the first number {first}, {p[first].tolist()}"
        )
    return p
