"""A conditional density that is known: two modes that move, spread and change weight with the context."""

import functools

import numpy as np

from tfflows.arguments import check_integer

_CONTEXTS, _PANELS = 64, 4000  # of the integral over the context and of those over one axis


def moving_mixture():
    """The `MovingMixture`."""
    return MovingMixture()


class MovingMixture:
    """A density of points in the plane given a number `c` uniform on `[-1, 1]`, heteroscedastic and multi-modal.

        x | c ~ w N(m, s^2 I) + (1 - w) N(-m, s^2 I)
        w = 1 / (1 + exp(-2 c)),      m = 1.5 (cos pi c, sin pi c),      s = 0.1 + 0.2 (1 + c)

    At `c = -1` two sharp points, the second more likely; as `c` grows they turn once around the origin, blur, and
    their weights change over. The gap of a flow `q` is `E[log p(x | c) - log q(x | c)]`, with `entropy` the mean
    `E[-log p(x | c)]`. Its `event_shape` is `(2,)`, its `context_size` 1. Its methods refuse an argument that is not as
    described with a `ValueError`.

    Example:

    >>> from tfflows import datasets
    >>> density = datasets.moving_mixture()
    >>> x, context = density.sample(100, seed=0)
    >>> x.shape, context.shape, density.log_prob(x, context).shape
    ((100, 2), (100, 1), (100,))
    """

    name, event_shape, context_size = "moving_mixture", (2,), 1

    def sample(self, n, *, context=None, seed=None):
        """Draws events and their contexts.

        Args:
          n: int >= 0, how many.
          context: `[n, 1]` or `[1]`, in `[-1, 1]`, contexts to draw at; `None` draws them too.
          seed: an integer or a `numpy.random.SeedSequence`; `None` draws afresh.

        Returns:
          float32 arrays `[n, 2]` and `[n, 1]`.
        """
        check_integer(0, n=n)
        rng = np.random.default_rng(seed)
        drawn = rng.uniform(-1, 1, (n, 1)) if context is None else np.broadcast_to(context, (n, 1))
        # In the precision that is given back: the log-density is that at the context that the flow sees.
        c = _checked_context(drawn.astype(np.float32), n)
        weight, mean, deviation = _parameters(c)
        side = np.where(rng.random(n) < weight, 1.0, -1.0)
        x = side[:, None] * mean + deviation[:, None] * rng.standard_normal((n, 2))
        return x.astype(np.float32), c.astype(np.float32)[:, None]

    def log_prob(self, x, context):
        """`log p(x | c)` of each row, in nats, float64.

        Args:
          x: finite real array `[n, 2]`.
          context: `[n, 1]`, in `[-1, 1]`.
        """
        x = np.asarray(x, np.float64)
        if x.ndim != 2 or x.shape[1] != 2 or not np.isfinite(x).all():
            raise ValueError(f"{self.name}: `x` must be finite, of shape [n, 2]. Received: shape {list(x.shape)}")
        weight, mean, deviation = _parameters(_checked_context(context, len(x)))
        logs = [
            np.log(w) - 0.5 * np.sum((x - m) ** 2, axis=1) / deviation**2
            for w, m in ((weight, mean), (1 - weight, -mean))
        ]
        return np.logaddexp(*logs) - np.log(2 * np.pi * deviation**2)

    @functools.cached_property
    def entropy(self):
        """`E[-log p(x | c)]` in nats, by Gauss-Legendre quadrature over `c` and the trapezoidal rule along the axis
        through both modes; across it, each density is the same normal one."""
        c, weights = np.polynomial.legendre.leggauss(_CONTEXTS)
        weight, mean, s = (each[:, None] for each in _parameters(c))
        distance = np.linalg.norm(mean[:, 0], axis=1)[:, None]
        reach = distance + 12 * s
        t = np.linspace(-1, 1, _PANELS + 1) * reach
        logs = np.logaddexp(
            np.log(weight) - 0.5 * ((t - distance) / s) ** 2, np.log1p(-weight) - 0.5 * ((t + distance) / s) ** 2
        ) - 0.5 * np.log(2 * np.pi * s**2)
        along = -np.sum(np.exp(logs) * logs, axis=1) * 2 * reach[:, 0] / _PANELS
        across = 0.5 * np.log(2 * np.pi * np.e * s[:, 0] ** 2)
        return float(weights @ (along + across) / 2)


def _parameters(c):
    """Weight `[n]`, mean `[n, 2]` and deviation `[n]` at contexts `[n]`."""
    mean = 1.5 * np.stack([np.cos(np.pi * c), np.sin(np.pi * c)], axis=-1)
    return 1 / (1 + np.exp(-2 * c)), mean, 0.1 + 0.2 * (1 + c)


def _checked_context(context, n):
    c = np.asarray(context, np.float64)
    if c.shape != (n, 1) or not (np.abs(c) <= 1).all():
        raise ValueError(
            f"`context` must have shape [{n}, 1] and values from -1 to 1. Received: shape {list(c.shape)}, "
            f"values {c.ravel()[:4].tolist()} ..."
        )
    return c[:, 0]
