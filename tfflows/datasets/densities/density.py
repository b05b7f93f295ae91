"""What every toy density answers: draws, exact log-density, entropy and a window to plot it in."""

import functools

import numpy as np

from tfflows.arguments import check_integer

_CHUNK = 1024  # points a log_prob works on at once: bounds the memory of the quadratures


class ToyDensity:
    """A distribution over `R^D` that can be drawn from and whose log-density is known.

    A flow trained on draws of it can be judged without approximation: the Kullback-Leibler divergence from the
    density `p` to the flow `q` is `KL(p || q) = E_p[-log q(x)] - entropy`, in nats.

    The function of its name makes it. That and the methods refuse an argument that is not as described with a
    `ValueError` that names it. A subclass writes `_draw(rng, n) -> [n, D]`, `_log_density(x) -> [n]` (float64, `x`
    already checked, at most 1024 rows) and `_entropy() -> float`.

    Attributes:
      name: the name it is loaded by, for example `"two_moons"`.
      event_shape: shape of one example, `(D,)`; `(2,)` unless the density has `dimensions`.
      bounds: `((xmin, xmax), (ymin, ymax))`, a window that shows it, when `D == 2`; `None` otherwise.
      options: the arguments of the function that made it, as a dict.
    """

    def __init__(self, name, *, event_shape=(2,), bounds=None, options=None):
        self.name = name
        self.event_shape = tuple(event_shape)
        self.bounds = bounds
        self.options = dict(options or {})

    def sample(self, n, *, seed=None):
        """Draws `n` independent examples.

        Args:
          n: how many, a non-negative integer.
          seed: an integer or a `numpy.random.SeedSequence`: the same seed gives the same answer. `None` draws afresh.

        Returns:
          float32 array `[n, D]`.
        """
        check_integer(0, n=n)
        return np.asarray(self._draw(np.random.default_rng(seed), int(n)), dtype=np.float32)

    def log_prob(self, x):
        """The log-density of each row, in nats.

        Args:
          x: finite real array `[n, D]` (anything `numpy.asarray` takes), computed with in float64.

        Returns:
          float64 array `[n]`. It stays finite and right far from the data, save where the density is truly zero
          (outside the checkerboard's squares: `-inf`) or its log is beyond float64 (deep in the funnel's neck).
        """
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1:] != self.event_shape:
            raise ValueError(
                f"{self.name}: `x` must have shape [n, {self.event_shape[0]}], one example a row. "
                f"Received: shape {list(x.shape)}"
            )
        if x.dtype.kind not in "fiub":
            raise ValueError(f"{self.name}: `x` must hold real numbers. Received: dtype {x.dtype}")
        x = x.astype(np.float64)
        bad = ~np.isfinite(x).all(axis=1)
        if bad.any():
            first = int(np.argmax(bad))
            raise ValueError(
                f"{self.name}: `x` must be finite. Received: {int(bad.sum())} of {len(x)} rows with NaN or "
                f"infinity, first at row {first}: {x[first].tolist()}"
            )
        answers = [self._log_density(x[start : start + _CHUNK]) for start in range(0, len(x), _CHUNK)]
        return np.concatenate(answers) if answers else np.zeros([0])

    @functools.cached_property
    def entropy(self):
        """Differential entropy `-E[log p(x)]` in nats: a closed form where there is one, otherwise a lattice sum
        with an error below 1e-6 (`lattice_entropy.py`), computed once when first asked for."""
        return float(self._entropy())

    def __repr__(self):
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.options.items())})"

    def _draw(self, rng, n):
        raise NotImplementedError

    def _log_density(self, x):
        raise NotImplementedError

    def _entropy(self):
        raise NotImplementedError
