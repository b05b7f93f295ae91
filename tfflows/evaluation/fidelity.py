"""Samples beside data by the balls around each to their neighbours: precision, recall, density, coverage."""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer
from tfflows.evaluation import draws


@dataclasses.dataclass(frozen=True)
class PrecisionAndRecall:
    """How samples and data lie in each other's balls; every number but `density` is from 0 to 1.

    Attributes:
      precision: share of samples in a ball of the data: how many look real.
      recall: share of data in a ball of the samples: how much of the data the model reaches.
      density: balls of the data that a sample is in, on average, over `num_neighbours`; its expectation is 1 where
        both are drawn from one density. An outlier of the data, whose ball is large, counts for little.
      coverage: share of balls of the data with a sample in them.
      num_neighbours: int, `k`.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    num_neighbours: int


def precision_and_recall(data, samples, *, features=None, num_neighbours=5):
    """Precision, recall, density and coverage of samples of a model.

    The ball of an example ends at its `k`-th nearest neighbour in its own set, itself not counted. With `N` examples
    of data, `M` samples:

        precision = mean_j [y_j in some ball of x]          recall   = mean_i [x_i in some ball of y]
        density   = sum_ij [y_j in ball of x_i] / (k M)     coverage = mean_i [some y_j in ball of x_i]

    Where both sets have one density the expected coverage is `1 - prod_{j<k} (N - 1 - j) / (N + M - 1 - j)`, and not
    1. Distances of pixels say little of photographs: give `features`.

    Args:
      data: array `[N, *event_shape]`, what the model did not see if it might have learned it by heart.
      samples: array `[M, *event_shape]`.
      features: function from examples `[n, *event_shape]` to vectors `[n, D]`, a network that you have for instance;
        `None` for the examples themselves as vectors.
      num_neighbours: int, `k`, fewer than there are examples in either set.

    Returns:
      `PrecisionAndRecall`.

    Raises:
      ValueError: sets of fewer than 2, of unlike shapes, or not finite; too many neighbours.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import precision_and_recall
    >>> x, y = np.random.default_rng(0).normal(size=(2, 500, 2))
    >>> found = precision_and_recall(x, y / 4)  # nothing looks wrong, much is missing
    >>> found.precision > 0.98, found.recall < 0.5, found.coverage < 0.5
    (True, True, True)

    References:
      Kynkäänniemi, Karras, Laine, Lehtinen, Aila. Improved precision and recall metric for assessing generative
      models. NeurIPS 2019, arXiv 1904.06991, equations 1 to 3. Naeem, Oh, Uh, Choi, Yoo. Reliable fidelity and
      diversity metrics for generative models. ICML 2020, arXiv 2002.09797, equations 3, 4 and 6.
    """
    from sklearn.metrics import pairwise_distances_chunked

    x, y = draws.centred(features, data=data, samples=samples)
    check_integer(1, min(len(x), len(y)) - 1, num_neighbours=num_neighbours)
    of_data, of_samples = (_radii(each, num_neighbours) for each in (x, y))
    precise, balls, start = 0, 0, 0
    reached, recalled = np.zeros([2, len(x)], bool)
    for part in pairwise_distances_chunked(y, x):
        inside = part <= of_data
        precise, balls = precise + inside.any(axis=1).sum(), balls + inside.sum()
        reached |= inside.any(axis=0)
        recalled |= (part <= of_samples[start : start + len(part), None]).any(axis=0)
        start += len(part)
    means = precise / len(y), recalled.mean(), balls / (num_neighbours * len(y)), reached.mean()
    return PrecisionAndRecall(*map(float, means), num_neighbours)


def _radii(x, k):
    """The distance from each of the examples to its `k`-th nearest neighbour among the others, `[n]`."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x).kneighbors()[0][:, -1]
