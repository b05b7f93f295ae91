"""Sylvester flow."""

import math

import numpy as np
import tensorflow as tf

from tfflows.bijectors.amortized import Amortized, sizes_checked
from tfflows.ops import numerics, orthogonal, tanh_equation

_KINDS = ("orthogonal", "householder", "triangular")
_LARGEST_DIAGONAL = math.sqrt(0.99)  # so that the product of two is above -1 in floating point too
_OFF_DIAGONAL_LIMIT = 3.0


class Sylvester(Amortized):
    """Moves every event in an `M`-dimensional subspace: a planar flow with `M` hidden units instead of one.

    With `Q` `[D, M]` of orthonormal columns, upper triangular `R` and `R~` `[M, M]`, and `b` `[M]`:

    * forward: `y = x + Q R tanh(R~ Q^T x + b)`
    * inverse: `x = y - Q R tanh(t)`, `t` the root of `t + R~ R tanh(t) = R~ Q^T y + b`
    * forward log-det: `sum(log(1 + R_ii R~_ii tanh'(R~ Q^T x + b)_i))`, the Jacobian being triangular in the subspace

    The slope of tanh is in (0, 1], so the map is invertible if every `R_ii R~_ii > -1`: the diagonals are
    `sqrt(0.99) tanh(raw)`. Entries off the diagonals are `3 tanh(raw / 3)`; the raw ones of `R` lie above the diagonal
    of one `M x M` matrix, those of `R~` below it, transposed.

    | `kind` | `Q` | `M` |
    | --- | --- | --- |
    | "orthogonal" | any orthonormal vectors: `M` columns of a product of `M` Householder reflections | `num_vectors` |
    | "householder" | a product of `num_vectors` Householder reflections | `D` |
    | "triangular" | the identity; compositions put every other one between two reversing `Permutation`s | `D` |

    (The paper orthogonalizes the vectors of the first kind by an iteration instead, which must converge. Reflections
    are orthogonal whatever the raw vectors.)

    `event_ndims`: 1. Cost: forward `O(D M + M^2)`, and to make `Q`, for each example if amortised, `O(D M K)`, `K`
    reflections. Inverse: the same, and `M` equations of `M` unknowns, triangular, one after another: `M` times about
    10 steps of Newton's method, at most.

    It starts as the identity, `R = 0`, with a random `Q`.

    Args:
      event_size: int >= 1, `D`.
      kind: "orthogonal", "householder" or "triangular".
      num_vectors: int from 1 to `D`, see the table; 8 or `D`, whichever is smaller, by default.
      conditioner: built Keras layer from the context alone to `Sylvester.num_raw(D, kind=, num_vectors=)` values, what
        is added to the weights `vectors` (not of the triangular kind), `triangles`, `diagonal` and `b`; `None` for
        parameters that are the same for all examples.
      dtype: "float32" or "float64", of the weights; events of either dtype are accepted.
      seed: int or `None`, of the initial `Q`.
      name: str.

    Raises:
      ValueError: an event size below 1, an unknown kind, a number of vectors out of range, a missing context, or a
        conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Sylvester
    >>> from tfflows.networks import ContextLinear
    >>> hypernetwork = ContextLinear(Sylvester.num_raw(6, num_vectors=2), context_size=5)
    >>> flow = Sylvester(6, num_vectors=2, conditioner=hypernetwork)
    >>> flow.forward(tf.ones([8, 6]), context=tf.ones([8, 5])).shape.as_list()
    [8, 6]

    References:
      Van den Berg, Hasenclever, Tomczak, Welling. Sylvester normalizing flows for variational inference. UAI 2018,
      arXiv 1803.05649.
    """

    def __init__(
        self,
        event_size,
        *,
        kind="orthogonal",
        num_vectors=None,
        conditioner=None,
        dtype="float32",
        seed=None,
        name="sylvester",
    ):
        parameters = dict(locals())
        shapes = _shapes(event_size, kind, num_vectors)
        self._num_hidden, self._vectors_shape = shapes["b"][0], shapes.get("vectors")
        super().__init__(
            event_size, shapes, conditioner=conditioner, dtype=dtype, seed=seed, parameters=parameters, name=name
        )

    @staticmethod
    def num_raw(event_size, *, kind="orthogonal", num_vectors=None):
        """What a conditioner must return on its last axis."""
        return sum(math.prod(shape) for shape in _shapes(event_size, kind, num_vectors).values())

    def random_values(self, rng):
        values = {"diagonal": np.ones(self._num_hidden)}
        return {**values, "vectors": rng.normal(size=self._vectors_shape)} if self._vectors_shape else values

    def forward_and_log_det(self, x, context=None):
        q, r, r_tilde, b, slope = self._matrices(x.dtype, context)
        h = tf.tanh(_product(r_tilde, _projected(q, x)) + b)
        return x + _expanded(q, _product(r, h)), _log_det(slope, h)

    def inverse_and_log_det(self, y, context=None):
        q, r, r_tilde, b, slope = self._matrices(y.dtype, context)
        t = _solve(r_tilde @ r, slope, _product(r_tilde, _projected(q, y)) + b)
        h = tf.tanh(t)
        return y - _expanded(q, _product(r, h)), -_log_det(slope, h)

    def _matrices(self, dtype, context):
        """`Q` (`None` for the identity), `R`, `R~`, `b` and the diagonal of `R~ R`."""
        *vectors, triangles, diagonal, b = self.raw_parameters(dtype, context)
        on_r = _LARGEST_DIAGONAL * tf.tanh(tf.linalg.diag_part(triangles))
        on_r_tilde = _LARGEST_DIAGONAL * tf.tanh(diagonal)
        off = numerics.bounded(triangles, _OFF_DIAGONAL_LIMIT)
        r = tf.linalg.set_diag(tf.linalg.band_part(off, 0, -1), on_r)
        r_tilde = tf.linalg.set_diag(tf.linalg.band_part(tf.linalg.matrix_transpose(off), 0, -1), on_r_tilde)
        return (
            orthogonal.reflections(vectors[0], self._num_hidden) if vectors else None,
            r,
            r_tilde,
            b,
            on_r * on_r_tilde,
        )


def _shapes(event_size, kind, num_vectors):
    """Shapes of the raw parameters by name, in order."""
    if kind not in _KINDS:
        raise ValueError(f"`kind` must be one of {_KINDS}. Received: {kind!r}")
    sizes_checked(event_size=event_size)
    if kind == "triangular":
        if num_vectors is not None:
            raise ValueError(f"The triangular kind has no vectors. Received: num_vectors={num_vectors!r}")
        return {"triangles": (event_size, event_size), "diagonal": (event_size,), "b": (event_size,)}
    count = min(event_size, 8) if num_vectors is None else num_vectors
    sizes_checked(num_vectors=count)
    if count > event_size:
        raise ValueError(f"`num_vectors` must be at most the event size, {event_size}. Received: {count}")
    rank = count if kind == "orthogonal" else event_size
    return {"vectors": (event_size, count), "triangles": (rank, rank), "diagonal": (rank,), "b": (rank,)}


def _solve(matrix, slope, c):
    """The root of `t + matrix tanh(t) = c`, `matrix` upper triangular with diagonal `slope`, with its derivatives.

    Each round solves for every entry as if the later ones were right, which makes one more of them so, from the last to
    the first. Then two steps of Newton's method, as in `tanh_equation.solve`.
    """
    fixed, diagonal, wanted = (tf.stop_gradient(each) for each in (matrix, slope, c))
    above = tf.linalg.set_diag(fixed, tf.zeros_like(diagonal))

    def round_(t, _):
        found = tanh_equation.root(diagonal, wanted - _product(above, tf.tanh(t)))
        found = tf.ensure_shape(found, t.shape)
        return found, tf.reduce_any(found != t)

    t, _ = tf.while_loop(lambda _, moved: moved, round_, (wanted, True), maximum_iterations=matrix.shape[-1])
    t = tf.stop_gradient(t)
    for _ in range(2):
        h = tf.tanh(t)
        jacobian = matrix * ((1.0 - h) * (1.0 + h))[..., None, :]
        jacobian = tf.linalg.set_diag(jacobian, 1.0 + tf.linalg.diag_part(jacobian))
        residual = t + _product(matrix, h) - c
        t -= tf.linalg.triangular_solve(jacobian, residual[..., None], lower=False)[..., 0]
    return t


def _product(matrix, vector):
    """`matrix @ vector` over the last axes; one matrix for all vectors is one product of two matrices."""
    if matrix.shape.rank == 2:
        return tf.tensordot(vector, matrix, axes=[[-1], [1]])
    return tf.linalg.matvec(matrix, vector)


def _projected(q, x):
    return x if q is None else _product(tf.linalg.matrix_transpose(q), x)


def _expanded(q, v):
    return v if q is None else _product(q, v)


def _log_det(slope, h):
    return tf.reduce_sum(tf.math.log1p(slope * (1.0 - h) * (1.0 + h)), axis=-1)
