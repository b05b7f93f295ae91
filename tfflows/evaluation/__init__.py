"""How good a flow is: anything with `log_prob` and `sample` can be judged."""

from tfflows.evaluation.likelihood import (
    Estimate,
    bits_per_dim,
    discrete_negative_log_likelihood,
    gap_to_density,
    negative_log_likelihood,
)

__all__ = [
    "Estimate",
    "bits_per_dim",
    "discrete_negative_log_likelihood",
    "gap_to_density",
    "negative_log_likelihood",
]
