"""Two models on the same examples."""

import dataclasses

import numpy as np

from tfflows.evaluation.bootstrap import Interval, check_resampling
from tfflows.evaluation.likelihood import Estimate, estimate
from tfflows.evaluation.pointwise import log_prob_of_each


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """How much more likely examples are under one model, `a`, than under another, `b`.

    Attributes:
      difference: `Estimate` of `log p_a(x) - log p_b(x)` in nats per example, paired: what makes an example hard for
        both does not count. Positive where `a` is better. `values` has one of each example; of integers
        `bits_per_dim(difference, event_shape)` are the bits that `a` saves.
      interval: its bootstrap `Interval`, over examples.
      wins, ties, losses: ints, examples that are more likely under `a`, as likely, less likely.
    """

    difference: Estimate
    interval: Interval
    wins: int
    ties: int
    losses: int

    def __str__(self):
        return f"{self.interval} nats, {self.wins} wins, {self.ties} ties, {self.losses} losses"


def compare(
    a, b, data, context=None, *, split="test", num_draws=64, level=0.95, num_resamples=1_000, seed=0, batch_size=None
):
    """Which of two models makes the same examples more likely, and how surely.

    Integers have a probability, which a density with noise only bounds from below: of each model the
    importance-weighted bound of `num_draws` draws is taken, of the same seed (`importance_weighted`); a model whose
    bound is loose is judged by the bound. Of reals densities are compared as they are.

    Args:
      a, b: anything with `log_prob(x)`, or `log_prob(x, context)`, or with `log_weights` (`VariationalAutoencoder`), or
        with scikit-learn's `score_samples`. What takes no context (flows that are not conditional, TFP distributions,
        scikit-learn's) is asked without it.
      data: array `[n, *event_shape]`, at least two examples, or a `tfflows.datasets.Dataset` or `ImageStream`.
      context: array `[n, ...]` or `None`; of a data set its own is given to models that say that they are
        `conditional`.
      split: of a data set.
      num_draws: int, of the noise.
      level, num_resamples: of the interval, see `Estimate.interval`.
      seed: int, of the noise and of the interval.
      batch_size: int, examples per call of `log_prob`; `None` for one that suits their size.

    Returns:
      `Comparison`.

    Raises:
      ValueError: fewer than two examples, models of events of another shape, log-probabilities that are not finite.

    Example:

    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from tfflows import datasets, evaluation
    >>> moons = datasets.two_moons()
    >>> x = moons.sample(2000, seed=0)
    >>> few, many = (GaussianMixture(n, random_state=0).fit(x[:1000]) for n in (1, 8))
    >>> found = evaluation.compare(many, few, x[1000:])
    >>> found.interval.low > 0.3, found.wins + found.ties + found.losses
    (True, 1000)
    """
    check_resampling(level, num_resamples)
    contexts = (context, context)
    if hasattr(data, "discrete_levels"):
        if context is not None:
            raise ValueError("A data set has its own context. Received: a `context` beside it")
        data = data.in_memory() if hasattr(data, "in_memory") else data
        contexts = [data.context(split) if getattr(model, "conditional", False) else None for model in (a, b)]
        data = data.examples(split)
    if len(data) < 2:
        raise ValueError(f"At least two examples are needed. Received: {len(data)}")
    options = {"num_draws": num_draws, "seed": seed, "batch_size": batch_size}
    of_a, of_b = (log_prob_of_each(model, data, given, **options) for model, given in zip((a, b), contexts))
    found = estimate(of_a - of_b)
    signs = np.sign(found.values)
    wins, ties, losses = (int((signs == sign).sum()) for sign in (1, 0, -1))
    return Comparison(found, found.interval(level=level, num_resamples=num_resamples, seed=seed), wins, ties, losses)
