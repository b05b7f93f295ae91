"""The density that the rows of a table give by themselves: kernels of several widths on them."""

import numpy as np

WIDTHS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5)  # standard deviations of a column
_JUDGED = 1_000  # rows of which each is predicted from all others
_STEPS, _LEAST_WEIGHT = 200, 1e-6
_ENTRIES = 2**22  # distances at a time


class KernelMixture:
    """Normal kernels of several widths `h_k` on centres `c_i`, in `D` dimensions.

        p(x) = sum_k w_k 1/n sum_i N(x; c_i, h_k^2 I)

    The weights `w_k` maximise the mean log-density of centres under the kernels of all others (leave-one-out
    likelihood), by the steps of EM, which never lower it. Rows that come twice put weight on the narrowest kernels,
    smooth tables on wider ones. All sums are exact, in float64: `n D` operations a row.

    Args:
      centres: rows `[n, D]`, two or more, finite, in the scale that the widths are meant in.
      widths: floats above 0.

    Attributes:
      centres: float64 `[n, D]`.
      widths, weights: float64 `[K]`, of the widths whose weight is not negligible (1e-6).
      left_out: float64 `[min(n, 1000)]`, log-densities of the first centres under the kernels of all others.

    Raises:
      ValueError: fewer than two rows, not a matrix, values that are not finite, or widths that are not above 0.

    Example:

    >>> import numpy as np
    >>> density = KernelMixture(np.random.default_rng(0).normal(size=(500, 2)))
    >>> density.log_prob(np.zeros((3, 2))).shape, density.sample(4, seed=0).shape
    ((3,), (4, 2))

    References:
      Habbema, Hermans, van den Broek. A stepwise discriminant analysis program using density estimation. COMPSTAT 1974
      (leave-one-out likelihood).
    """

    def __init__(self, centres, *, widths=WIDTHS):
        self.centres = np.asarray(centres, dtype=np.float64)
        self.widths = np.asarray(widths, dtype=np.float64)
        if self.centres.ndim != 2 or len(self.centres) < 2:
            raise ValueError(f"`centres` must be two rows or more. Received: shape {self.centres.shape}")
        if not np.isfinite(self.centres).all():
            raise ValueError(f"`centres` must be finite. Received: {np.sum(~np.isfinite(self.centres))} that are not")
        if self.widths.ndim != 1 or not self.widths.size or not (self.widths > 0).all():
            raise ValueError(f"`widths` must be above 0. Received: {widths}")
        rows = np.arange(min(len(self.centres), _JUDGED))
        by_width = self._by_width(self.centres[rows], own=rows)
        weights = _likeliest_weights(by_width)
        kept = weights > _LEAST_WEIGHT
        self.widths, self.weights = self.widths[kept], weights[kept] / weights[kept].sum()
        self.left_out = self._mixed(by_width[kept])

    def log_prob(self, x, *, own=None, without=None):
        """Log-densities in nats, float64 `[m]`.

        Args:
          x: rows `[m, D]`.
          own: ints `[m]`, the centre that each row is itself, whose kernel is left out; -1 for none.
          without: int, a column; the density is then that of all others, in closed form (what `x` holds there does
            not count). `None` for the density of all columns.

        Raises:
          ValueError: rows of another width.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.centres.shape[1]:
            raise ValueError(f"`x` must be rows of {self.centres.shape[1]} columns. Received: shape {x.shape}")
        return self._mixed(self._by_width(x, own=own, without=without))

    def sample(self, n, *, seed=None):
        """Draws, float64 `[n, D]`; `seed` as `numpy.random.default_rng` takes it."""
        rng = np.random.default_rng(seed)
        centres = self.centres[rng.integers(len(self.centres), size=n)]
        widths = rng.choice(self.widths, size=(n, 1), p=self.weights)
        return centres + widths * rng.normal(size=centres.shape)

    def _by_width(self, x, *, own=None, without=None):
        """Log-densities under the kernels of each width, `[K, m]`."""
        from scipy.spatial.distance import cdist  # differences, not products: rows that come twice are at 0

        centres, own = self.centres, np.full(len(x), -1) if own is None else np.asarray(own)
        if without is not None:
            x, centres = np.delete(x, without, axis=1), np.delete(centres, without, axis=1)
        dimensions, step = centres.shape[1], max(1, _ENTRIES // len(centres))
        found = np.empty((len(self.widths), len(x)))
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            part = x[rows]
            squares = cdist(part, centres, "sqeuclidean") if dimensions else np.zeros((len(part), len(centres)))
            itself = np.flatnonzero(own[rows] >= 0)
            squares[itself, own[rows][itself]] = np.inf
            nearest = squares.min(axis=1)
            near = np.isfinite(nearest)  # what is too far for a distance has no density
            squares[near] -= nearest[near, None]
            for k, h in enumerate(self.widths):
                with np.errstate(divide="ignore"):
                    found[k, rows] = np.log(np.exp(squares / (-2 * h * h)).sum(axis=1)) - nearest / (2 * h * h)
        return (
            found - np.log(len(centres) - (own >= 0)) - dimensions * np.log(np.sqrt(2 * np.pi) * self.widths)[:, None]
        )

    def _mixed(self, by_width):
        return np.logaddexp.reduce(by_width + np.log(self.weights)[:, None], axis=0)


def _likeliest_weights(log_densities):
    """Weights `[K]` of a mixture of densities that make rows `[K, m]` likeliest, by EM from equal ones."""
    ratios = np.exp(log_densities - log_densities.max(axis=0))
    weights = np.full(len(ratios), 1 / len(ratios))
    for _ in range(_STEPS):
        shares = weights[:, None] * ratios
        weights = (shares / shares.sum(axis=0)).mean(axis=1)
    return weights
