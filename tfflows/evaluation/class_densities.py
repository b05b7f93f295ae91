"""Honest baselines of class-conditional flows: a density for each class, as scikit-learn fits it."""

import numpy as np

from tfflows.arguments import check_integer
from tfflows.evaluation import draws


class ClassDensities:
    """Base of class-conditional densities made of one for each class.

    It has `log_prob(x, context)` and `sample(n, context=, seed=)` as a class-conditional flow. Subclasses write
    `fitted(x)`, a density of examples `[n, D]` of one class, `scores(density, x)`, nats `[n]`, and
    `drawn(density, n, rng)`.

    Args:
      x: array `[n, *event_shape]`, two examples of each class or more.
      labels: integers `[n]`.
      levels: int, of data that are integers from 0 to `levels - 1`: draws are then rounded to these; `None` for reals.
      standardize: bool, whether the densities are of examples in units of each entry's deviation over all of `x`; a
        gain unless all entries have one unit, as pixels have.

    Raises:
      TypeError: labels that are not integers.
      ValueError: no examples, values that are not finite, a class of a single example, or of examples that do not vary
        as the density needs. From the methods: a label that is none of `classes`.
    """

    def __init__(self, x, labels, *, levels=None, standardize=True):
        x, labels = draws.labelled(x, labels)
        if levels is not None:
            check_integer(2, levels=levels)
        self.event_shape, self.levels = x.shape[1:], levels
        self.classes, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2:
            single = self.classes[counts < 2].tolist()
            raise ValueError(f"Each class needs two examples or more. Received: one of the classes {single}")
        flat = x.reshape(len(x), -1).astype(np.float64)
        self.num_classes = int(self.classes[-1]) + 1
        self.location, self.scale = 0.0, np.ones(flat.shape[1])
        if standardize:
            self.location, deviation = flat.mean(axis=0), flat.std(axis=0)
            self.scale = np.where(deviation > 0, deviation, 1.0)
        flat = (flat - self.location) / self.scale
        self.densities = {int(k): self.fitted(flat[labels == k]) for k in self.classes}

    def log_prob(self, x, context):
        """`log p(x | label)` of examples `[n, *event_shape]` and labels `[n]`: nats `[n]`, of reals."""
        x, found = np.asarray(x), np.empty(len(x))
        for k, rows in self._rows(context, len(x)):
            flat = (x[rows].reshape(len(rows), -1).astype(np.float64) - self.location) / self.scale
            found[rows] = self.scores(self.densities[k], flat)
        return found - np.log(self.scale).sum()

    def sample(self, n, *, context, seed=None):
        """Draws `[n, *event_shape]`, one for each label of the context, `[n]`: float64, or integers of `levels`."""
        found, rng = np.empty([n, *self.event_shape]), np.random.default_rng(seed)
        for k, rows in self._rows(context, n):
            part = self.drawn(self.densities[k], len(rows), rng).reshape(len(rows), -1)
            found[rows] = (self.location + self.scale * part).reshape(-1, *self.event_shape)
        if self.levels is None:
            return found
        return np.clip(np.rint(found), 0, self.levels - 1).astype(np.uint8 if self.levels <= 256 else np.int32)

    def _rows(self, context, n):
        """The labels that occur, and in which rows."""
        labels = np.broadcast_to(np.asarray(context), (n,))
        unknown = sorted(set(np.unique(labels).tolist()) - set(self.densities))
        if unknown:
            raise ValueError(f"`context` must hold labels among {sorted(self.densities)}. Received: {unknown}")
        return [(int(k), np.flatnonzero(labels == k)) for k in np.unique(labels)]


class ClassGaussians(ClassDensities):
    """A Gaussian for each class, its covariance shrunk as Ledoit and Wolf estimate it.

    Args, raises: see `ClassDensities`.

    Example:

    >>> import numpy as np
    >>> from tfflows import datasets, evaluation
    >>> wine = datasets.wine()
    >>> evaluation.ClassGaussians(wine.train, wine.context_train).sample(2, context=np.array([0, 2])).shape
    (2, 13)

    References:
      Ledoit, Wolf. A well-conditioned estimator for large-dimensional covariance matrices. J. Multivariate Analysis 88,
      2004.
    """

    def fitted(self, x):
        import scipy.stats
        from sklearn.covariance import LedoitWolf

        found = LedoitWolf().fit(x)
        try:
            return scipy.stats.multivariate_normal(found.location_, found.covariance_)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                "The examples of a class must vary in more than one direction, of which two examples have one. "
                f"Received: {len(x)} whose covariance, shrunk, is singular"
            ) from error

    def scores(self, density, x):
        return density.logpdf(x)

    def drawn(self, density, n, rng):
        return density.rvs(n, random_state=rng)


class ClassKernels(ClassDensities):
    """A kernel density for each class, Gaussian, whose bandwidth has the best likelihood in cross-validation.

    It is the class's examples with noise: of much data, as good a sampler as a copying machine (`memorisation`).

    Args:
      x, labels, levels, standardize: see `ClassDensities`.
      bandwidths: floats, to choose from, in units of the data (standardised); `None` for 16 between a twentieth and
        twice the root mean square deviation of the class.

    Raises: see `ClassDensities`.

    Example:

    >>> import numpy as np
    >>> from tfflows import datasets, evaluation
    >>> wine = datasets.wine()
    >>> kernels = evaluation.ClassKernels(wine.train, wine.context_train)
    >>> kernels.log_prob(wine.test, wine.context_test).shape
    (18,)
    """

    def __init__(self, x, labels, *, levels=None, standardize=True, bandwidths=None):
        self.bandwidths = bandwidths
        super().__init__(x, labels, levels=levels, standardize=standardize)

    def fitted(self, x):
        from sklearn.model_selection import GridSearchCV, KFold
        from sklearn.neighbors import KernelDensity

        grid = self.bandwidths
        if grid is None:
            if not x.var():
                raise ValueError(f"The examples of a class must differ, or give `bandwidths`. Received: {len(x)} alike")
            grid = np.sqrt(x.var(axis=0).mean()) * np.geomspace(0.05, 2.0, 16)
        folds = KFold(min(5, len(x)), shuffle=True, random_state=0)
        return GridSearchCV(KernelDensity(), {"bandwidth": list(grid)}, cv=folds).fit(x).best_estimator_

    def scores(self, density, x):
        return density.score_samples(x)

    def drawn(self, density, n, rng):
        return density.sample(n, random_state=int(rng.integers(2**31)))
