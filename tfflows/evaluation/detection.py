"""How well a score tells two sets of examples apart, with intervals over both."""

import dataclasses

import numpy as np

from tfflows.evaluation.bootstrap import Interval, check_resampling, interval

_RECALL = 95  # percent


@dataclasses.dataclass(frozen=True)
class Detection:
    """How well scores, higher for what lies outside, find it. Outside is the positive class.

    Attributes:
      auroc: `Interval` of the area under the ROC curve, the probability that an example from outside has a higher score
        than one from inside, ties counting half; 0.5 is chance, below it the score is the wrong way round.
      aupr: `Interval` of the average precision, `sum_n (R_n - R_{n-1}) P_n` over thresholds; chance is the share of
        examples that are from outside. Its interval lies a little high, as drawing again makes ties: where every score
        is the wrong way round the value itself may be below it.
      fpr95: `Interval` of the share of examples from inside that are taken to be from outside by the highest threshold
        that finds at least 95 % of those from outside; 0 is best, 0.95 is chance.
      num_inside, num_outside: ints.
    """

    auroc: Interval
    aupr: Interval
    fpr95: Interval
    num_inside: int
    num_outside: int

    def __str__(self):
        return f"AUROC {self.auroc}, AUPR {self.aupr}, FPR95 {self.fpr95}"


def detection(inside, outside, *, level=0.95, num_resamples=1_000, seed=0):
    """AUROC, AUPR and the false-positive rate at 95 % recall, each with its bootstrap interval.

    The values are those of scikit-learn's `roc_auc_score`, `average_precision_score` and `roc_curve`; they are computed
    here for all resamples at once. Both sets are drawn again, each on its own.

    Args:
      inside: scores `[n]` of examples like those that were trained on.
      outside: scores `[m]` of others. Infinite scores have a rank as others do.
      level: float between 0 and 1, of the intervals.
      num_resamples: int, at least 100.
      seed: int.

    Returns:
      `Detection`.

    Raises:
      ValueError: fewer than two scores of either, or scores that are NaN (how many, where first).

    Example:

    >>> import numpy as np
    >>> from tfflows import evaluation
    >>> rng = np.random.default_rng(0)
    >>> found = evaluation.detection(rng.normal(size=500), rng.normal(1, size=500))
    >>> found.auroc.low < 0.7602 < found.auroc.high  # Phi(1 / sqrt(2))
    True
    """
    check_resampling(level, num_resamples)
    inside, outside = _checked(inside, "inside"), _checked(outside, "outside")
    groups, num_groups = _groups(inside, outside)
    counts = [np.bincount(each, minlength=num_groups)[None] for each in groups]
    values = _measures(*counts)
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(2)]
    drawn = []
    step = max(1, min(num_resamples, 2**21 // (len(inside) + len(outside))))
    for start in range(0, num_resamples, step):
        size = min(step, num_resamples - start)
        drawn.append(_measures(*(_drawn(each, size, num_groups, rng) for each, rng in zip(groups, streams))))
    drawn = np.concatenate(drawn, axis=1)
    found = (interval(value[0], each, level) for value, each in zip(values, drawn))
    return Detection(*found, len(inside), len(outside))


def roc_curve(inside, outside):
    """The curve under which `Detection.auroc` is the area.

    Args:
      inside, outside: scores, see `detection`; at least one of each.

    Returns:
      `(false_positive_rates, true_positive_rates)`, each `[thresholds + 1]`, from 0 to 1: a point for every distinct
      score, from the highest down.
    """
    groups, num_groups = _groups(_checked(inside, "inside", least=1), _checked(outside, "outside", least=1))
    counts = (np.bincount(each, minlength=num_groups) for each in groups)
    return tuple(np.concatenate([[0.0], np.cumsum(each) / each.sum()]) for each in counts)


def check_scores(values, what="Scores"):
    """Refuses scores `[n]` that are NaN."""
    bad = np.isnan(values)
    if bad.any():
        raise ValueError(
            f"{what} must be numbers. Received: {int(bad.sum())} of {values.size} that are NaN, the first of example "
            f"{int(np.argwhere(bad)[0][0])}"
        )


def _checked(scores, what, least=2):
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 1 or len(scores) < least:
        raise ValueError(
            f"`{what}` must hold the scores [n] of at least {least} examples: without both classes nothing is told "
            f"apart. Received: shape {scores.shape}"
        )
    check_scores(scores, f"Scores of `{what}`")
    return scores


def _groups(inside, outside):
    """The number of each score among the distinct ones, from the highest down: of inside, of outside; how many."""
    distinct, groups = np.unique(np.concatenate([inside, outside]), return_inverse=True)
    groups = len(distinct) - 1 - groups
    return (groups[: len(inside)], groups[len(inside) :]), len(distinct)


def _drawn(groups, size, num_groups, rng):
    """How often each distinct score is drawn, `[size, num_groups]`."""
    flat = groups[rng.integers(len(groups), size=(size, len(groups)))] + num_groups * np.arange(size)[:, None]
    return np.bincount(flat.ravel(), minlength=size * num_groups).reshape(size, num_groups)


def _measures(inside, outside):
    """AUROC, AUPR and FPR at 95 % recall, `[3, resamples]`, of counts `[resamples, groups]`, highest scores first."""
    false, true = np.cumsum(inside, axis=1), np.cumsum(outside, axis=1)
    negatives, positives = false[:, -1], true[:, -1]
    below = 2 * (negatives[:, None] - false) + inside  # twice the number of those beaten, of integers exact
    auroc = (outside * below).sum(axis=1) / (2 * negatives * positives)
    aupr = (outside * (true / np.maximum(true + false, 1))).sum(axis=1) / positives
    first = np.argmax(100 * true >= _RECALL * positives[:, None], axis=1)
    return np.stack([auroc, aupr, np.take_along_axis(false, first[:, None], axis=1)[:, 0] / negatives])
