"""The four energies of Rezende and Mohamed on a box: targets known up to a constant, with the constant."""

import functools
import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.lattice_entropy import pairs

BOX = (-4.0, 4.0)
"""Both coordinates of a point are in this interval."""

# Of a Gauss-Legendre rule along a side: twice as many change log Z and entropy by less than 1e-12.
_PANELS, _NODES = 8, 50


def energy_1():
    """A ring with two bright sides.

        U(x) = ((|x| - 2) / 0.4)^2 / 2 - log(exp(-((x1 - 2) / 0.6)^2 / 2) + exp(-((x1 + 2) / 0.6)^2 / 2))

    See `Energy`, which each of the four functions returns, for what they have in common.
    """

    def log_density(x1, x2):
        length = tf.sqrt(tf.maximum(x1**2 + x2**2, 1e-30))  # with a gradient at the origin
        return _bell(length - 2, 0.4) + _either((x1 - 2, 0.6), (x1 + 2, 0.6))

    return Energy("energy_1", log_density)


def energy_2():
    """A sine wave: `U(x) = ((x2 - w1) / 0.4)^2 / 2` with `w1 = sin(2 pi x1 / 4)`; `x1` is uniform."""
    return Energy("energy_2", lambda x1, x2: _bell(x2 - _wave(x1), 0.4))


def energy_3():
    """A sine wave and a copy of it that leaves it between 0 and 2.

        U(x) = -log(exp(-((x2 - w1) / 0.35)^2 / 2) + exp(-((x2 - w1 + w2) / 0.35)^2 / 2))

    with `w1 = sin(2 pi x1 / 4)`, `w2 = 3 exp(-((x1 - 1) / 0.6)^2 / 2)`.
    """

    def log_density(x1, x2):
        d = x2 - _wave(x1)
        return _either((d, 0.35), (d + 3 * tf.exp(_bell(x1 - 1, 0.6)), 0.35))

    return Energy("energy_3", log_density)


def energy_4():
    """A sine wave that forks.

        U(x) = -log(exp(-((x2 - w1) / 0.4)^2 / 2) + exp(-((x2 - w1 + w3) / 0.35)^2 / 2))

    with `w1 = sin(2 pi x1 / 4)`, `w3 = 3 sigmoid((x1 - 1) / 0.3)`.
    """

    def log_density(x1, x2):
        d = x2 - _wave(x1)
        return _either((d, 0.4), (d + 3 * tf.sigmoid((x1 - 1) / 0.3), 0.35))

    return Energy("energy_4", log_density)


class Energy(ToyDensity):
    """`p(x) = exp(-U(x)) / Z` on the box `(-4, 4)^2`, zero outside.

    Three of the four energies do not fall off along `x1`: without a box `Z` is infinite. On it `Z` is known, and with
    it how far a flow is from the target, `KL(q || p) = E_q[log q(x) + U(x)] + log Z`, if the flow stays in the box.

    Flows are fitted to `unnormalized_log_prob`, which TensorFlow differentiates. Draws, densities, entropy are exact.

    Args:
      name: str.
      log_density: function of two tensors, the coordinates, that gives `-U`.

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770, table 1.

    Example:

    >>> from tfflows import datasets
    >>> ring = datasets.energy_1()
    >>> round(ring.log_normalizer, 5)
    1.8775
    >>> [round(float(each), 2) for each in ring.unnormalized_log_prob([[2.0, 0.0], [0.0, 0.0]])]
    [0.0, -17.36]
    """

    def __init__(self, name, log_density):
        super().__init__(name, bounds=(BOX, BOX))
        self._log_of = log_density

    def unnormalized_log_prob(self, x):
        """`-U(x)` of points `[..., 2]`: a floating `Tensor` `[...]` in their dtype, also outside the box."""
        return self._log_of(*tf.unstack(tf.convert_to_tensor(x), num=2, axis=-1))

    @functools.cached_property
    def log_normalizer(self):
        """`log Z` in nats, by a Gauss-Legendre rule with an error below 1e-9."""
        log_density, weights = self._on_nodes()
        return float(np.log(np.sum(weights * np.exp(log_density))))

    def _draw(self, rng, n):
        drawn = [np.zeros([0, 2])]
        while sum(map(len, drawn)) < n:  # exp(-U) is at most 2; about one proposal in ten is kept
            x = rng.uniform(*BOX, (max(1024, 12 * n), 2))
            keep = np.log(2 * rng.random(len(x))) < self.unnormalized_log_prob(x).numpy()
            drawn.append(x[keep])
        return np.concatenate(drawn)[:n]

    def _log_density(self, x):
        inside = np.all((x >= BOX[0]) & (x <= BOX[1]), axis=1)
        return np.where(inside, self.unnormalized_log_prob(x).numpy() - self.log_normalizer, -np.inf)

    def _entropy(self):
        log_density, weights = self._on_nodes()
        return self.log_normalizer - np.sum(weights * np.exp(log_density - self.log_normalizer) * log_density)

    def _on_nodes(self):
        """`-U` and weights at the nodes of the rule, `[n]` each."""
        edges = np.linspace(*BOX, _PANELS + 1)
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        half = (edges[1] - edges[0]) / 2
        nodes, weights = ((edges[:-1, None] + half) + half * nodes).ravel(), np.tile(half * weights, _PANELS)
        return self.unnormalized_log_prob(pairs(nodes)).numpy(), np.outer(weights, weights).ravel()


def _bell(distance, scale):
    return -0.5 * (distance / scale) ** 2


def _either(first, second):
    """`log(exp(bell) + exp(bell))` of two pairs `(distance, scale)`."""
    return tfp.math.log_add_exp(_bell(*first), _bell(*second))


def _wave(x1):
    return tf.sin(2 * math.pi * x1 / 4)
