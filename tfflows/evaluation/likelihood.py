"""Likelihood on a test set, with its standard error and interval."""

import dataclasses
import math

import numpy as np

from tfflows.evaluation import bootstrap
from tfflows.evaluation.densities import as_density

_MOST_EXAMPLES, _MOST_VALUES = 10_000, 2**20  # in one call of a model


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over examples and how far it may be off.

    Attributes:
      mean: float, the mean.
      standard_error: float, standard deviation over the root of the count; NaN of a single example.
      count: int, number of examples.
      values: float64 array `[n]`, one per example, or `None`.
    """

    mean: float
    standard_error: float
    count: int
    values: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)

    def interval(self, *, level=0.95, num_resamples=1_000, seed=0):
        """The bootstrap `Interval` of the mean, over examples.

        Args:
          level: float between 0 and 1.
          num_resamples: int, at least 100.
          seed: int.

        Raises:
          ValueError: fewer than two examples, or an estimate made without its values.
        """
        if self.values is None:
            raise ValueError("An interval needs the value of each example. Received: an estimate without `values`")
        return bootstrap.mean_interval(self.values, level=level, num_resamples=num_resamples, seed=seed)

    def __str__(self):
        return f"{self.mean:.4f} ± {self.standard_error:.4f}"


def negative_log_likelihood(model, x, context=None, *, batch_size=None):
    """`mean(-log q(x))` over a test set, in nats per example: an estimate of the cross entropy of data and model.

    Args:
      model: anything with `log_prob(x)`, or `log_prob(x, context)` when there is one, giving nats `[batch]`; or an
        estimator of scikit-learn whose `score_samples` are log-densities.
      x: array `[n, *event_shape]`.
      context: array `[n, ...]` or `None`.
      batch_size: int, examples per call of `log_prob`; `None` for one that suits their size.

    Returns:
      `Estimate` in nats.
    """
    return estimate(-log_probs(model, x, context, batch_size=batch_size))


def gap_to_density(model, density, x, context=None, *, batch_size=None):
    """`mean(log p(x) - log q(x))` over draws of a known `p`, in nats: an estimate of `KL(p || q)`.

    It is the cross entropy minus the true entropy. Both logs are taken at the same points, so what they share
    cancels: the error is that of the difference, far below that of either.

    Args:
      model, context, batch_size: the model `q`, and see `negative_log_likelihood`.
      density: the true `p`: anything with `log_prob(x)`, such as a `tfflows.datasets.ToyDensity`.
      x: independent draws of `p`, `[n, *event_shape]`.

    Returns: see `negative_log_likelihood`.
    """
    of_model = log_probs(model, x, context, batch_size=batch_size)
    return estimate(log_probs(density, x, batch_size=batch_size) - of_model)


def log_probs(model, x, context=None, *, batch_size=None, impossible=False):
    """Log-probabilities of all examples, batch by batch: float64 `[n]`, in nats; see `negative_log_likelihood`.

    They are finite; with `impossible` they may be `-inf`, outside of the support.
    """
    model = as_density(model)
    if not len(x):
        raise ValueError("At least one example is needed. Received: none")
    if context is not None and len(context) != len(x):
        raise ValueError(f"A context for each example is needed. Received: {len(context)} for {len(x)} examples")
    size = default_batch_size(np.shape(x)[1:]) if batch_size is None else batch_size
    parts = []
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        answer = model.log_prob(x[rows]) if context is None else model.log_prob(x[rows], context[rows])
        parts.append(checked_shape(answer, (len(x[rows]),)))
    values = np.concatenate(parts)
    check_finite(values, impossible)
    return values


def default_batch_size(event_shape):
    """Examples per call of a model: 10,000, fewer when they are large, so that images fit into memory."""
    return max(1, min(_MOST_EXAMPLES, _MOST_VALUES // math.prod(event_shape)))


def checked_shape(answer, shape):
    """Log-probabilities as a float64 array of that shape, one for each event; refuses those of another."""
    values = np.asarray(answer, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(
            f"Log-probabilities must be one number for each event, here of shape {shape}. Received: shape "
            f"{values.shape}; a density of entries is summed over them first (tfd.Independent, tfd.Sample)"
        )
    return values


def check_finite(values, impossible=False):
    """Refuses log-probabilities `[n]`, or `[n, draws]`, that are not finite, nor `-inf` where that is `impossible`."""
    bad = ~(np.isfinite(values) | (impossible & np.isneginf(values)))
    if bad.any():
        raise ValueError(
            f"Log-probabilities must be finite. Received: {int(bad.sum())} of {values.size} that are not, "
            f"the first {values[bad][0]} of example {int(np.argwhere(bad)[0][0])}"
        )


def estimate(values):
    """The `Estimate` of values `[n]`, one per example."""
    count = len(values)
    error = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return Estimate(float(values.mean()), error, count, values)
