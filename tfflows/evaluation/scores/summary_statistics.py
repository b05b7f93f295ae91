"""The density of what a model says about an example."""

import collections.abc
import dataclasses

import numpy as np

from tfflows.evaluation.densities import check_methods
from tfflows.evaluation.detection import check_scores
from tfflows.evaluation.likelihood import default_batch_size
from tfflows.evaluation.scores.base import Score


@dataclasses.dataclass(kw_only=True, eq=False)
class SummaryStatistics(Score):
    """Density of states estimation (DoSE): how rare the statistics of an example are among those of data, in nats.

        -sum_j log q_j(T_j(x)),    q_j = the Gaussian kernel density of T_j over the data of `fit` (Scott's bandwidth)

    The statistics of a flow are those of the paper for Glow: `log p(x)`, the log-density of the latent
    `log p(z)`, and the rest, `log p(x) - log p(z)`: with `num_draws=1` the log-det, as both are then of one draw of
    noise.

    Args:
      statistics: sequence of functions of `(model, x)` that give `[n]` each, in the place of those of a flow; `None`
        for these.
      num_draws: of the log-probability; noise of the latent is drawn once.
      seed, batch_size: see `Score`.

    Raises:
      ValueError: a model without `encode` and `distribution` and no `statistics`; statistics of another shape, that are
        not finite on `data`, or the same of all of it, which have no density.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> radius = lambda model, x: np.linalg.norm(x, axis=1)
    >>> score = scores.SummaryStatistics(statistics=[radius]).fit(normal, normal.sample(500, seed=0))
    >>> typical, mode = score.score(np.array([[1.0, 0.0], [0.0, 0.0]], "float32"))
    >>> bool(typical < mode)
    True

    References:
      Morningstar, Ham, Gallagher, Lakshminarayanan, Alemi, Dillon. Density of states estimation for out-of-distribution
      detection. AISTATS 2021, arXiv 2006.09273.
    """

    statistics: collections.abc.Sequence | None = None

    def _fit(self, data):
        if self.statistics is None:
            check_methods(self._model, "encode")
            if not hasattr(self._model, "distribution"):
                kind = type(self._model).__name__
                raise ValueError(f"A flow with `distribution` is needed, or `statistics`. Received: {kind}")
        import scipy.stats

        found = self._of(data)
        for j, values in enumerate(found):
            if not np.isfinite(values).all() or np.ptp(values) == 0:
                problem = "equal" if np.ptp(values) == 0 else "not finite"
                raise ValueError(f"Statistics of `data` must be finite and vary. Received: number {j} is {problem}")
        self._densities = [scipy.stats.gaussian_kde(values) for values in found]

    def _score(self, x):
        found = np.stack(self._of(x))
        for j, values in enumerate(found):
            check_scores(values, f"Statistics (here number {j})")
        possible = np.isfinite(found).all(axis=0)
        rare = np.full(len(x), np.inf)
        rare[possible] = -sum(each.logpdf(values) for each, values in zip(self._densities, found[:, possible]))
        return rare

    def _of(self, x):
        """The statistics, a list of `[n]`."""
        if self.statistics is None:
            return self._of_flow(x)
        found = [np.asarray(function(self._model, x), np.float64) for function in self.statistics]
        shapes = [values.shape for values in found]
        if set(shapes) != {(len(x),)}:
            raise ValueError(f"`statistics` must give one number for each of {len(x)} examples. Received: {shapes}")
        return found

    def _of_flow(self, x):
        nats, base, parts = self._log_prob(x), self._model.distribution.distribution, []
        size = self.batch_size or default_batch_size(x.shape[1:])
        for i, start in enumerate(range(0, len(x), size)):
            key = np.random.default_rng([self.seed, i]).integers(2**31, size=2).astype(np.int32)
            z = self._model.encode(x[start : start + size], seed=key)
            parts.append(np.asarray(base.log_prob(z), np.float64))
        latent = np.concatenate(parts)
        return [nats, latent, nats - latent]
