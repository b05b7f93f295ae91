"""Whether samples are copies: how near they are to examples of training, beside new data."""

import dataclasses

import numpy as np

from tfflows.evaluation import draws


@dataclasses.dataclass(frozen=True, eq=False)
class Memorisation:
    """What `memorisation` found.

    Attributes:
      nearest: integer array `[n]`, the number of the training example nearest to each sample.
      distances: array `[n]`, how far it is.
      held_out_distances: array, of each held-out example to the training example nearest to it.
      ratio: float, median of `distances` over that of `held_out_distances`: below 1, samples are nearer to training
        examples than new data are.
      p_value: float, of samples that near if they were as far as new data (Mann-Whitney, one-sided).
    """

    nearest: np.ndarray
    distances: np.ndarray
    held_out_distances: np.ndarray
    ratio: float
    p_value: float


def memorisation(samples, train, held_out, *, features=None):
    """Nearest training neighbours of samples, and whether they are nearer than those of new data.

    Distances grow with poor samples and fall with copies: a model of bad samples that copies now and then has a ratio
    above 1, so look at the `nearest` of the smallest distances too.

    Args:
      samples, train, held_out: arrays `[n, *event_shape]`, two or more each: of the model, what it was trained on, and
        data of the same density that it has not seen.
      features: see `precision_and_recall`.

    Returns:
      `Memorisation`.

    Raises:
      ValueError: sets of fewer than 2, of unlike shapes or not finite; held-out data of which half or more are in the
        training set.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import memorisation
    >>> train, new, other = np.random.default_rng(0).normal(size=(3, 300, 4))
    >>> copies = train[:50] + 0.01
    >>> memorisation(copies, train, new).p_value < 1e-9, memorisation(other, train, new).p_value > 0.01
    (True, True)

    References:
      Meehan, Chaudhuri, Dasgupta. A non-parametric test to detect data-copying in generative models. AISTATS 2020,
      arXiv 2004.05675, section 3.
    """
    import scipy.stats
    from sklearn.neighbors import NearestNeighbors

    samples, train, held_out = draws.centred(features, samples=samples, train=train, held_out=held_out)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    (distances, nearest), (others, _) = (search.kneighbors(each) for each in (samples, held_out))
    distances, others = distances[:, 0], others[:, 0]
    if not np.median(others):
        raise ValueError("`held_out` must be data that are not in `train`. Received: half of them or more that are")
    p_value = scipy.stats.mannwhitneyu(distances, others, alternative="less").pvalue
    return Memorisation(
        nearest[:, 0], distances, others, float(np.median(distances) / np.median(others)), float(p_value)
    )
