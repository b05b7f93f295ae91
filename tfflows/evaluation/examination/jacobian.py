"""`log|det|` of Jacobians by automatic differentiation: exactly, or of large events by stochastic quadrature."""

import numpy as np
import tensorflow as tf

EXACT = 64  # entries of an event whose Jacobian is written out
_STEPS, _PROBES = 20, 6
_INVARIANT = 1e-8  # relative, of what is left of a product


def exact(function, y):
    """Jacobians `[k, M, D]`, float64, of a function of events `y` `[k, *event]`: a copy of each for every output."""
    with tf.GradientTape() as tape:
        tape.watch(y)
        out = function(y)
    size = int(np.prod(out.shape[1:]))
    y = tf.repeat(y, size, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(y)
        x = function(y)
    entries = tf.tile(tf.eye(size, dtype=x.dtype), [len(y) // size, 1])
    rows = tape.gradient(x, y, tf.reshape(entries, x.shape), unconnected_gradients="zero")
    return rows.numpy().reshape(-1, size, int(np.prod(y.shape[1:]))).astype(np.float64)


def log_det_by_quadrature(function, y, *, num_probes=_PROBES, num_steps=_STEPS, seed=0):
    """An estimate of `log|det J|` of a square Jacobian at one event, and how far it may be off.

    `log|det J| = tr(log J^T J) / 2`, the trace from random signs `v` with `E[v v^T] = 1`, each `v^T log(J^T J) v` from
    the tridiagonal matrix of so many steps of Lanczos's method, for which only products with `J` and `J^T` are needed.

    Args:
      function: of a batch of events, copies of one, to their values.
      y: `Tensor` `[1, *event]`.
      num_probes, num_steps: ints.
      seed: int, of the signs.

    Returns:
      floats: the mean over probes; its standard error plus what the last half of the steps changed.

    References:
      Ubaru, Chen, Saad. Fast estimation of tr(f(A)) via stochastic Lanczos quadrature. SIAM J. Matrix Anal. Appl. 2017.
    """
    size = int(np.prod(y.shape[1:]))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(num_probes, size))
    basis, alphas, betas = [signs / np.sqrt(size)], [], []
    normal_product = _normal_product(function, tf.repeat(y, num_probes, axis=0))
    for _ in range(min(num_steps, size)):
        product = normal_product(basis[-1])
        alphas.append(np.sum(product * basis[-1], axis=1))
        for _ in range(2):  # twice is enough against all before
            for each in basis:
                product -= np.sum(product * each, axis=1, keepdims=True) * each
        betas.append(np.linalg.norm(product, axis=1))
        goes_on = betas[-1] > _INVARIANT * np.abs(alphas).max(axis=0)  # else the space holds all that there is
        basis.append(np.where(goes_on, 1 / np.where(goes_on, betas[-1], 1.0), 0.0)[:, None] * product)
    alphas, betas = np.stack(alphas, axis=1), np.stack(betas, axis=1)
    whole = np.array([_quadrature(a, b, size, a.size) for a, b in zip(alphas, betas)])
    half = np.array([_quadrature(a, b, size, max(1, a.size // 2)) for a, b in zip(alphas, betas)])
    error = whole.std(ddof=1) / np.sqrt(num_probes)
    return float(whole.mean()), float(error + np.abs(whole.mean() - half.mean()))


def _normal_product(function, y):
    """The function `v -> J^T J v`; `J v` is the gradient of `J^T u` with respect to `u`, multiplied by `v`."""
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(y)
            x = function(y)
        u = tf.zeros_like(x)
        outer.watch(u)
        back = tape.gradient(x, y, u, unconnected_gradients="zero")

    def product(v):
        pushed = outer.gradient(back, u, tf.constant(v.reshape(y.shape), y.dtype), unconnected_gradients="zero")
        found = tape.gradient(x, y, pushed, unconnected_gradients="zero")
        return found.numpy().reshape(len(v), -1).astype(np.float64)

    return product


def _quadrature(alphas, betas, size, steps):
    """`v^T log(J^T J) v / 2` from the first steps, up to where the space is invariant."""
    alphas, betas = alphas[:steps], betas[:steps]
    ended = np.flatnonzero(betas <= _INVARIANT * np.abs(alphas).max())
    count = int(ended[0]) + 1 if ended.size else len(alphas)
    matrix = np.diag(alphas[:count]) + np.diag(betas[: count - 1], 1) + np.diag(betas[: count - 1], -1)
    values, vectors = np.linalg.eigh(matrix)
    with np.errstate(divide="ignore"):
        return 0.5 * size * np.sum(vectors[0] ** 2 * np.log(np.maximum(values, 0)))
