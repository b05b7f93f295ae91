"""Simulation-based calibration: whether posteriors are as wide, and where, as they should be."""

import dataclasses

import numpy as np
import scipy.stats

from tfflows.evaluation.densities import check_methods

_DRAWS_A_CALL = 200_000


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of true parameters among posterior draws.

    Attributes:
      ranks: integer array `[n, D]`, each from 0 to `num_draws`: how many draws are below the true parameter, and of
        those that equal it a random number, each as likely.
      num_draws: int, posterior draws of each case.
      counts: integer array `[D, bins]`, the histograms of the ranks.
      p_values: float array `[D]`, of the chi-square test that ranks are uniform.
    """

    ranks: np.ndarray
    num_draws: int
    counts: np.ndarray
    p_values: np.ndarray


def simulation_based_calibration(model, parameters, context, *, num_draws=99, num_bins=20, seed=0):
    """Ranks each true parameter among draws of its posterior; they are uniform if the posteriors are right.

    Parameters drawn from the prior, data simulated from them and parameters drawn from the posterior given these data
    have the same joint distribution with the true and the drawn ones exchanged: of `L + 1` exchangeable numbers each
    rank is as likely. A histogram that bulges in the middle tells of posteriors that are too wide, one that bulges at
    the ends of posteriors that are too narrow, a slope of bias.

    Args:
      model: anything with `sample(n, context=, seed=)` that gives `[n, D]` for contexts `[n, C]`.
      parameters: array `[n, D]`, drawn from the prior.
      context: array `[n, C]`, simulated from them.
      num_draws: int, `L`; `L + 1` must be a multiple of `num_bins`.
      num_bins: int, at least 2, of the histograms; there must be 5 cases or more for each.
      seed: int, of the draws.

    Returns:
      `Calibration`.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import simulation_based_calibration
    >>> class Prior:
    ...     def sample(self, n, *, context, seed):
    ...         return np.random.default_rng(seed).normal(size=(n, 1))
    >>> truth = np.random.default_rng(1).normal(size=(500, 1))
    >>> calibration = simulation_based_calibration(Prior(), truth, np.zeros([500, 1]))
    >>> bool(calibration.p_values[0] > 0.01)
    True

    References:
      Talts, Betancourt, Simpson, Vehtari, Gelman. Validating Bayesian inference algorithms with simulation-based
      calibration. 2018, arXiv 1804.06788, algorithm 1.
    """
    check_methods(model, "sample")
    parameters, context = np.asarray(parameters), np.asarray(context)
    if parameters.ndim != 2 or len(context) != len(parameters):
        raise ValueError(
            "`parameters` must have shape [n, D] and `context` as many rows. "
            f"Received: shapes {parameters.shape} and {context.shape}"
        )
    if num_draws < 1 or num_bins < 2 or (num_draws + 1) % num_bins:
        raise ValueError(
            "`num_draws` + 1 ranks must fall into `num_bins` bins of equal size. "
            f"Received: num_draws={num_draws}, num_bins={num_bins}"
        )
    if len(parameters) < 5 * num_bins:
        raise ValueError(f"At least {5 * num_bins} cases are needed for {num_bins} bins. Received: {len(parameters)}")
    ranks, at_once = [], max(1, _DRAWS_A_CALL // num_draws)
    for i, start in enumerate(range(0, len(parameters), at_once)):
        truth, given = parameters[start : start + at_once], context[start : start + at_once]
        rng = np.random.default_rng([seed, i])  # nothing in common with that of another seed
        repeated = np.repeat(given, num_draws, axis=0)
        draws = model.sample(len(repeated), context=repeated, seed=int(rng.integers(2**31)))
        draws = np.asarray(draws).reshape(len(truth), num_draws, -1)
        if draws.shape[2] != parameters.shape[1] or not np.isfinite(draws).all():
            raise ValueError(
                f"`model` must draw finite parameters, {parameters.shape[1]} each. Received: shape {draws.shape[1:]}, "
                f"{int((~np.isfinite(draws)).sum())} values that are not finite"
            )
        below, ties = ((compare(draws, truth[:, None])).sum(axis=1) for compare in (np.less, np.equal))
        ranks.append(below + rng.integers(ties + 1))
    ranks = np.concatenate(ranks)
    width = (num_draws + 1) // num_bins
    counts = np.stack([np.bincount(column // width, minlength=num_bins) for column in ranks.T])
    return Calibration(ranks, num_draws, counts, scipy.stats.chisquare(counts, axis=1).pvalue)
