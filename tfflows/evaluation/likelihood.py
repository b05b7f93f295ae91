"""Likelihood on a test set, with its standard error."""

import dataclasses
import math

import numpy as np

_MOST_EXAMPLES, _MOST_VALUES = 10_000, 2**20  # in one call of a model


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over examples and how far it may be off.

    Attributes:
      mean: float, the mean.
      standard_error: float, standard deviation over the root of the count; NaN of a single example.
      count: int, number of examples.
    """

    mean: float
    standard_error: float
    count: int

    def __str__(self):
        return f"{self.mean:.4f} ± {self.standard_error:.4f}"


def negative_log_likelihood(model, x, context=None, *, batch_size=None):
    """`mean(-log q(x))` over a test set, in nats per example: an estimate of the cross entropy of data and model.

    Args:
      model: anything with `log_prob(x)`, or `log_prob(x, context)` when there is one, giving nats `[batch]`.
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


def log_probs(model, x, context=None, *, batch_size=None):
    """Log-probabilities of all examples, batch by batch: float64 `[n]`, in nats; see `negative_log_likelihood`."""
    if not len(x):
        raise ValueError("At least one example is needed. Received: none")
    size = default_batch_size(np.shape(x)[1:]) if batch_size is None else batch_size
    parts = []
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        answer = model.log_prob(x[rows]) if context is None else model.log_prob(x[rows], context[rows])
        parts.append(checked_shape(answer, (len(x[rows]),)))
    values = np.concatenate(parts)
    check_finite(values)
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


def check_finite(values):
    """Refuses log-probabilities `[n]`, or `[n, draws]`, that are not finite."""
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"Log-probabilities must be finite. Received: {int(bad.sum())} of {values.size} that are not, "
            f"the first {values[bad][0]} of example {int(np.argwhere(bad)[0][0])}"
        )


def estimate(values):
    """The `Estimate` of values `[n]`, one per example."""
    count = len(values)
    error = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return Estimate(float(values.mean()), error, count)
