"""Two-sample tests: may two sets of examples have been drawn from one density?"""

import dataclasses

import numpy as np

from tfflows.arguments import check_integer, check_positive
from tfflows.evaluation import draws

_MOST_FOR_MEDIAN = 1000  # examples of the pooled sets


@dataclasses.dataclass(frozen=True)
class KernelTest:
    """What `kernel_two_sample_test` found.

    Attributes:
      mmd_squared: float, the unbiased estimate of `MMD^2`; it may be below 0.
      p_value: float, of the hypothesis that both sets have one density.
      bandwidth: float, of the kernel.
    """

    mmd_squared: float
    p_value: float
    bandwidth: float


@dataclasses.dataclass(frozen=True)
class ClassifierTest:
    """What `classifier_two_sample_test` found.

    Attributes:
      accuracy: float, of the classifier on examples that it was not trained on; 1/2 if nothing tells the sets apart.
      p_value: float, of at least so many right answers by guessing.
      count: int, examples that it was tested on.
    """

    accuracy: float
    p_value: float
    count: int


def kernel_two_sample_test(x, y, *, features=None, bandwidth=None, num_permutations=1000, seed=0):
    """The kernel two-sample test: maximum mean discrepancy with a Gaussian kernel, and its p-value by permutations.

        MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_ij k(x_i, y_j)
        k(a, b) = exp(-|a - b|^2 / (2 bandwidth^2))

    Under permutations of the pooled set the statistic has the distribution that it has if both sets have one density:
    with `b` of `B` permutations at least as large, `p = (1 + b) / (1 + B)`, exact for any number of examples.

    Args:
      x, y: arrays `[N, *event_shape]` and `[M, *event_shape]`; a matrix of `(N + M)^2` numbers is held.
      features: see `precision_and_recall`.
      bandwidth: float; `None` for the median distance of the pooled examples (at most 1,000 of them).
      num_permutations: int, `B`; `p` is at least `1 / (1 + B)`.
      seed: int.

    Returns:
      `KernelTest`.

    Raises:
      ValueError: sets of fewer than 2, of unlike shapes or not finite; pooled examples that are mostly equal, without a
        bandwidth.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import kernel_two_sample_test
    >>> x, y = np.random.default_rng(0).normal(size=(2, 200, 3))
    >>> kernel_two_sample_test(x, y).p_value > 0.05, kernel_two_sample_test(x, y + 0.5).p_value < 0.01
    (True, True)

    References:
      Gretton, Borgwardt, Rasch, Schölkopf, Smola. A kernel two-sample test. JMLR 13, 2012, lemma 6. Phipson, Smyth.
      Permutation p-values should never be zero. 2010, arXiv 1603.05766, equation 2.
    """
    from sklearn.metrics import pairwise_distances

    x, y = draws.centred(features, x=x, y=y)
    check_integer(num_permutations=num_permutations)
    rng, pooled = np.random.default_rng(seed), np.concatenate([x, y])
    squares = pairwise_distances(pooled, metric="sqeuclidean")
    if bandwidth is None:
        some = rng.permutation(len(pooled))[:_MOST_FOR_MEDIAN]
        bandwidth = float(np.sqrt(np.median(squares[np.ix_(some, some)][np.triu_indices(len(some), 1)])))
        if not bandwidth:
            raise ValueError("Most of the examples are equal: give a `bandwidth`. Received: a median distance of 0")
    check_positive(bandwidth=bandwidth)
    kernel = np.exp(-squares / (2 * bandwidth**2))
    np.fill_diagonal(kernel, 0.0)
    orders = [np.arange(len(pooled)), *(rng.permutation(len(pooled)) for _ in range(num_permutations))]
    first = np.zeros([len(pooled), len(orders)])  # whether an example is in the first set
    for i, order in enumerate(orders):
        first[order[: len(x)], i] = 1.0
    found = _unbiased(kernel, first, len(x), len(y))
    larger = int((found[1:] >= found[0] - 1e-12 * abs(found[0])).sum())
    return KernelTest(float(found[0]), (1 + larger) / (1 + num_permutations), bandwidth)


def _unbiased(kernel, first, n, m):
    """`MMD^2` of each column's division of the pooled examples into `n` and `m`; `kernel` has a diagonal of zeros."""
    products = kernel @ first
    within, row_sums = (first * products).sum(axis=0), kernel.sum(axis=1)
    across = row_sums @ first - within
    others = row_sums.sum() - within - 2 * across
    return within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * across / (n * m)


def classifier_two_sample_test(x, y, *, classifier=None, features=None, seed=0):
    """The classifier two-sample test: a classifier is trained to tell the sets apart, and tested on other examples.

    Each set, the larger cut at random to the size of the smaller, is halved at random; half trains. Of `n` answers on
    the rest, each right with probability 1/2 if the sets have one density, `p` is the binomial probability of at least
    as many right ones.

    Args:
      x, y: arrays of examples `[N, *event_shape]` and `[M, *event_shape]`, 4 or more.
      classifier: scikit-learn classifier; `None` for its histogram gradient boosting. It is cloned, not trained.
      features: see `precision_and_recall`.
      seed: int, of the halves, and of a classifier by default.

    Returns:
      `ClassifierTest`.

    Raises:
      ValueError: sets of fewer than 4, of unlike shapes or not finite.

    Example:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from tfflows.evaluation import classifier_two_sample_test
    >>> x, y = np.random.default_rng(0).normal(size=(2, 400, 3))
    >>> found = classifier_two_sample_test(x, y + 1, classifier=LogisticRegression())
    >>> found.accuracy > 0.7, found.p_value < 1e-6, found.count
    (True, True, 400)

    References:
      Lopez-Paz, Oquab. Revisiting classifier two-sample tests. ICLR 2017, arXiv 1610.06545, section 3.
    """
    import scipy.stats
    import sklearn.base
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = draws.in_features(features, 4, x=x, y=y)
    rng, size = np.random.default_rng(seed), min(len(x), len(y))
    classifier = HistGradientBoostingClassifier(random_state=seed) if classifier is None else classifier
    half = size // 2
    halves = [each[rng.permutation(len(each))[:size]] for each in (x, y)]
    train = np.concatenate([each[:half] for each in halves])
    test = np.concatenate([each[half:] for each in halves])
    fitted = sklearn.base.clone(classifier).fit(train, np.repeat([0, 1], half))
    right = int((fitted.predict(test) == np.repeat([0, 1], size - half)).sum())
    p_value = scipy.stats.binomtest(right, len(test), 0.5, alternative="greater").pvalue
    return ClassifierTest(right / len(test), float(p_value), len(test))
