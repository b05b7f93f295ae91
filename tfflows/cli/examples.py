"""Likelihoods of single examples: of the split that is judged, of the run's training data, of another set."""

import dataclasses
import math

import numpy as np

from tfflows import evaluation
from tfflows.cli import data, likelihood


@dataclasses.dataclass(frozen=True)
class Judged:
    """Examples and their negative log-likelihoods.

    Attributes:
      name: str, of the data and the split.
      values: dict from the names of sets, this one first, to negative log-likelihoods `[n]`, in `unit`.
      unit: "bits/dim" or "nats".
      x: array `[n, *event_shape]`, the examples of the first set.
      context: array `[n, ...]` or `None`.
      note: str, what is missing and why, or "".
    """

    name: str
    values: dict
    unit: str
    x: np.ndarray
    context: np.ndarray | None
    note: str = ""


def of_run(run, split, *, other_data, **draws):
    """The first examples of a split, as many as one call of a flow takes, beside as many of the training data."""
    name = f"{run.data.name}, {split}"
    values, note, trained = {name: _values(run, split, **draws)}, "", run
    if other_data:
        trained = dataclasses.replace(run)
        try:
            data.load_again(trained)
        except (OSError, ValueError, ImportError) as error:
            trained, note = None, f"The training data could not be read: {error}"
    if trained is not None and (split != "train" or other_data):
        key = f"{trained.data.name}, train"
        key += " (of the run)" if key in values else ""
        values[key] = _values(trained, "train", **draws)
    x, context = data.first(run.data, split, len(values[name]))
    return Judged(name, values, _unit(run), x, context if run.flow.conditional else None, note)


def of_other(run, name, **draws):
    """`(name, values)` of the test data of another set, all of a file or a folder."""
    other = dataclasses.replace(run)
    data.load_again(other, name=name)
    if not other.data.num_examples("test"):
        raise ValueError(f"--against needs test data. Received: {name}, which has none")
    same = " (against)" if other.data.name == run.data.name else ""
    return f"{other.data.name}, test{same}", _values(other, "test", **draws)


def separation(judged, other):
    """How well the likelihood tells the other set from the judged one.

    Returns:
      dict: `against`, `num_against`, `against_mean` in the unit of `judged`, and `against_auroc`: the probability that
      an example of the other set is less likely than one of the judged set, with its bootstrap interval.
    """
    name, values = other
    auroc = evaluation.detection(judged.values[judged.name], values).auroc
    found = {"against": name, "num_against": len(values), "against_mean": float(values.mean())}
    interval = {"against_auroc_low": float(auroc.low), "against_auroc_high": float(auroc.high)}
    return {**found, "against_unit": judged.unit, "against_auroc": float(auroc.value), **interval}


def lines(found):
    """What `separation` found, as lines to print."""
    if "against" not in found:
        return []
    what = f"{found['against']}: {found['against_mean']:.4f} {found['against_unit']} ({found['num_against']:,})"
    interval = f"[{found['against_auroc_low']:.4f}, {found['against_auroc_high']:.4f}]"
    return [f"against:     {what}; AUROC of the likelihood {found['against_auroc']:.4f} {interval}"]


def _values(run, split, **draws):
    limit = evaluation.default_batch_size(run.data.event_shape)
    values = -likelihood.of_each(run, split, limit=limit, **draws).astype(np.float64)
    return values / (math.prod(run.data.event_shape) * math.log(2)) if _unit(run) == "bits/dim" else values


def _unit(run):
    return "nats" if run.data.discrete_levels is None else "bits/dim"
