"""How far a figure may be off, by drawing the examples again."""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer

_DRAWS_AT_ONCE = 2**22


@dataclasses.dataclass(frozen=True)
class Interval:
    """A figure between two bounds.

    Attributes:
      value: float, of the examples as they are.
      low, high: floats, the quantiles `(1 - level) / 2` and `(1 + level) / 2` of the figure over samples of as many
        examples, drawn from them with replacement (the percentile interval).
      level: float, how often such an interval holds the figure of the population.

    References:
      Efron. Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1979.
    """

    value: float
    low: float
    high: float
    level: float

    def __str__(self):
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def check_resampling(level, num_resamples):
    """Refuses a level that is not between 0 and 1, and less than 100 resamples, which have no such quantiles."""
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1. Received: {level!r}")
    check_integer(100, num_resamples=num_resamples)


def interval(value, drawn, level):
    """The `Interval` of a figure and of its values over resamples."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high), level)


def mean_interval(values, *, level=0.95, num_resamples=1_000, seed=0):
    """The `Interval` of the mean of values `[n]`, one per example, at least two."""
    check_resampling(level, num_resamples)
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"An interval needs values [n] of at least 2 examples. Received: shape {values.shape}")
    import scipy.stats  # slow to import

    found = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=num_resamples,
        batch=max(1, _DRAWS_AT_ONCE // len(values)),
        confidence_level=level,
        method="percentile",
        random_state=np.random.default_rng(seed),
    )
    return interval(values.mean(), found.bootstrap_distribution, level)
