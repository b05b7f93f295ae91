"""Whether the latents of the batch are as those of the base."""

import numpy as np
import scipy.stats

from tfflows.evaluation.examination.finding import warning

UNLIKE = "latents unlike the base"
_DRAWS, _FEWEST = 4096, 50
_LOCATION, _SPREAD, _DISTANCE = 1.0, 3.0, 0.25  # deviations, a ratio, of distribution functions: not by chance alone


def measure(z, base, seed=0):
    """Facts about latents `[n, ...]` of which there are 50 or more, compared with draws of the base; else none.

    Returns:
      dict: `worst_dimension` (a list of indices) with its `worst_mean` (in deviations of the base, from its mean),
      `worst_deviation` (over the base's) and `worst_distance` (Kolmogorov and Smirnov's, two samples); `mean`,
      `deviation` and `distance` over all dimensions: the root mean square, the ratio, the mean.
    """
    if len(z) < _FEWEST:
        return {}
    draws = np.asarray(base.sample(_DRAWS, seed=[seed, 1]), np.float64)
    shape = draws.shape[1:]
    draws, z = draws.reshape(_DRAWS, -1), np.asarray(z, np.float64).reshape(len(z), -1)
    deviations = draws.std(axis=0)
    means = (z.mean(axis=0) - draws.mean(axis=0)) / deviations
    ratios = z.std(axis=0) / deviations
    distances = np.array([scipy.stats.ks_2samp(a, b, method="asymp").statistic for a, b in zip(z.T, draws.T)])
    worst = int(np.argmax(distances))
    return {
        "worst_dimension": [int(i) for i in np.unravel_index(worst, shape)],
        "worst_mean": float(means[worst]),
        "worst_deviation": float(ratios[worst]),
        "worst_distance": float(distances[worst]),
        "mean": float(np.sqrt(np.mean(means**2))),
        "deviation": float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-30))))),
        "distance": float(distances.mean()),
        "examples": len(z),
    }


def examine(found):
    if not found:
        return
    chance = 1.95 * np.sqrt(1 / found["examples"] + 1 / _DRAWS)  # one of a thousand
    far = abs(found["worst_mean"]) > _LOCATION or not 1 / _SPREAD < found["worst_deviation"] < _SPREAD
    if found["worst_distance"] > chance and (far or found["distance"] > _DISTANCE + chance):
        what = f"in dimension {found['worst_dimension']} a mean of {found['worst_mean']:.2g} and a deviation of "
        what += f"{found['worst_deviation']:.2g} of the base's; distribution functions differ by "
        what += f"{found['worst_distance']:.2g} there, by {found['distance']:.2g} in the mean over dimensions"
        yield warning(UNLIKE, "the flow", "latents of these data as drawn from the base", what)
