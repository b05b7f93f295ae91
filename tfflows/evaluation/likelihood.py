"""Likelihood on a test set, with its standard error."""

import dataclasses
import math

import numpy as np

BATCH_SIZE = 10_000


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


def negative_log_likelihood(model, x, context=None, *, batch_size=BATCH_SIZE):
    """`mean(-log q(x))` over a test set, in nats per example: an estimate of the cross entropy of data and model.

    Args:
      model: anything with `log_prob(x)`, or `log_prob(x, context)` when there is one, giving nats `[batch]`.
      x: array `[n, *event_shape]`.
      context: array `[n, ...]` or `None`.
      batch_size: int, examples per call of `log_prob`.

    Returns:
      `Estimate` in nats.

    Raises:
      ValueError: no examples, or log-probabilities that are not finite (how many, where first).
    """
    return _estimate(-log_probs(model, x, context, batch_size=batch_size))


def gap_to_density(model, density, x, context=None, *, batch_size=BATCH_SIZE):
    """`mean(log p(x) - log q(x))` over draws of a known `p`, in nats: an estimate of `KL(p || q)`.

    It is the cross entropy minus the true entropy. Both logs are taken at the same points, so what they share
    cancels: the error is that of the difference, far below that of either.

    Args:
      model: the model `q`, as in `negative_log_likelihood`.
      density: the true `p`: anything with `log_prob(x)`, such as a `tfflows.datasets.ToyDensity`.
      x: independent draws of `p`, `[n, *event_shape]`.
      context: array `[n, ...]` or `None`, for the model.
      batch_size: int, examples per call of `log_prob`.

    Returns:
      `Estimate` in nats.

    Raises:
      ValueError: no examples, or log-probabilities that are not finite.
    """
    of_model = log_probs(model, x, context, batch_size=batch_size)
    return _estimate(log_probs(density, x, batch_size=batch_size) - of_model)


def discrete_negative_log_likelihood(
    model, dataset, split="test", *, with_context=False, num_draws=8, seed=0, batch_size=BATCH_SIZE
):
    """An upper bound of `mean(-log P(x))` of integers under a density over dequantized values, in nats per example.

    With `u ~ U[0, 1)^D` and `P(x) = integral q(x + u) du`, Jensen's inequality gives `E_u[-log q(x + u)] >= -log P(x)`;
    the expectation is averaged over `num_draws` of `u` for each example.

    Args:
      model: the density `q`, as in `negative_log_likelihood`.
      dataset: `tfflows.datasets.Dataset` with `discrete_levels`.
      split: "train", "validation" or "test".
      with_context: whether the model takes the data's context.
      num_draws: int, draws of noise per example.
      seed: int, of the noise.
      batch_size: int, examples per call of `log_prob`.

    Returns:
      `Estimate` in nats; its error is over examples, each the mean of its draws.

    Raises:
      ValueError: data that are not discrete, or log-probabilities that are not finite.
    """
    if dataset.discrete_levels is None:
        raise ValueError(f"Discrete data is needed. Received: data set {dataset.name!r} of continuous values")
    if num_draws < 1:
        raise ValueError(f"`num_draws` must be at least 1. Received: {num_draws}")
    context = dataset.context(split) if with_context else None
    seeds = np.random.SeedSequence(seed).generate_state(num_draws)
    draws = [
        log_probs(model, dataset.dequantized(split, seed=int(each)), context, batch_size=batch_size) for each in seeds
    ]
    return _estimate(-np.mean(draws, axis=0))


def bits_per_dim(nats, event_shape):
    """A negative log-likelihood of discrete data in bits per dimension: `nats / (D log 2)`.

    Args:
      nats: `Estimate` in nats per example.
      event_shape: shape of one example, of `D` entries.

    Returns:
      `Estimate` in bits.
    """
    scale = 1 / (math.prod(event_shape) * math.log(2))
    return Estimate(nats.mean * scale, nats.standard_error * scale, nats.count)


def log_probs(model, x, context=None, *, batch_size=BATCH_SIZE):
    """Log-probabilities of all examples, batch by batch: float64 `[n]`, in nats.

    Raises:
      ValueError: no examples, or log-probabilities that are not finite (how many, where first).
    """
    if not len(x):
        raise ValueError("At least one example is needed. Received: none")
    parts = []
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        answer = model.log_prob(x[rows]) if context is None else model.log_prob(x[rows], context[rows])
        parts.append(np.asarray(answer, dtype=np.float64))
    values = np.concatenate(parts)
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"Log-probabilities must be finite. Received: {int(bad.sum())} of {len(values)} that are not, "
            f"the first {values[bad][0]} of example {int(np.argmax(bad))}"
        )
    return values


def _estimate(values):
    count = len(values)
    error = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return Estimate(float(values.mean()), error, count)
