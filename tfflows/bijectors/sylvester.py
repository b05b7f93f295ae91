"""Sylvester flow."""

import math

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors.amortized import Amortized
from tfflows.ops import numerics, products, shapes, tanh_equation

_LARGEST_DIAGONAL = math.sqrt(0.99)  # so that the product of two is above -1 in floating point too
_OFF_DIAGONAL_LIMIT = 3.0
_FEW = 16  # reflections; of so many, and not more, one after another is faster on a CPU than solving for all
_SMALLEST_SQUARE = 1e-30  # of the length of a vector that reflects


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

    `event_ndims`: 1. Cost: forward `O(D K + M^2)`; of more than 16 reflections, `K`, also `O(D K^2)` to prepare them,
    for each example if amortised. Inverse: the same, and `M` equations of `M` unknowns, triangular, one after another:
    at most `M` times about 10 steps of Newton's method.

    It starts as the identity, `R = 0`, with a random `Q`.

    Args:
      event_size, conditioner, dtype, seed, name: see `Amortized`; the conditioner returns
        `Sylvester.num_raw(D, kind=, num_vectors=)` values, for the weights `vectors` (not of the triangular kind),
        `triangles`, `diagonal` and `b`.
      kind: "orthogonal", "householder" or "triangular".
      num_vectors: int from 1 to `D`, see the table; 8 or `D`, whichever is smaller, by default.

    Raises:
      ValueError: see `Amortized`; an unknown kind, a number of vectors out of range.

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
        of_weights = _shapes(event_size, kind, num_vectors)
        self._num_hidden, self._vectors_shape = of_weights["b"][0], of_weights.get("vectors")
        super().__init__(event_size, of_weights, parameters=parameters)

    @staticmethod
    def num_raw(event_size, *, kind="orthogonal", num_vectors=None):
        """What a conditioner must return on its last axis."""
        return sum(math.prod(shape) for shape in _shapes(event_size, kind, num_vectors).values())

    def random_weights(self, seed):
        values = {"diagonal": np.ones(self._num_hidden)}
        if self._vectors_shape:
            values["vectors"] = np.random.default_rng(seed).normal(size=self._vectors_shape)
        return values

    def forward_and_log_det(self, x, context=None):
        q, r, b = self._parts(x.dtype, context)
        h = tf.tanh(r.second(q.projected(x)) + b)
        return x + q.expanded(r.first(h)), _log_det(r.slope, h)

    def inverse_and_log_det(self, y, context=None):
        q, r, b = self._parts(y.dtype, context)
        h = tf.tanh(_solve(r.product(), r.slope, r.second(q.projected(y)) + b))
        return y - q.expanded(r.first(h)), -_log_det(r.slope, h)

    def _parts(self, dtype, context):
        """`Q`, the pair `R` and `R~`, and `b`."""
        *vectors, triangles, diagonal, b = self.raw_parameters(dtype, context)
        reflections = _OneByOne if self._vectors_shape and self._vectors_shape[0] <= _FEW else _AllAtOnce
        return reflections(*vectors, self._num_hidden) if vectors else _Identity(), _Triangles(triangles, diagonal), b


class _Identity:
    """`Q = I`."""

    def projected(self, x):
        return x

    def expanded(self, v):
        return v


class _OneByOne:
    """`Q`, the first `num_columns` columns of the product of the reflections `I - 2 v v^T / |v|^2`, applied in turn.

    A vector of zeros reflects nothing.
    """

    def __init__(self, vectors, num_columns):
        self._size, self._num_columns = vectors.shape[-1], num_columns
        squares = tf.reduce_sum(vectors**2, axis=-1, keepdims=True)
        nothing = squares <= _SMALLEST_SQUARE
        one = tf.ones([], vectors.dtype)  # a Python constant would be of float32 in a graph
        scale = tf.where(nothing, 0 * one, 2.0 / tf.where(nothing, one, squares))
        self._reflections = list(zip(tf.unstack(vectors, axis=-2), tf.unstack(vectors * scale, axis=-2)))

    def projected(self, x):
        """`Q^T x`."""
        return self._reflected(x, self._reflections)[..., : self._num_columns]

    def expanded(self, v):
        """`Q v`."""
        v = tf.pad(v, [[0, 0]] * (v.shape.rank - 1) + [[0, self._size - self._num_columns]])
        return self._reflected(v, self._reflections[::-1])

    @staticmethod
    def _reflected(x, reflections):
        for v, scaled in reflections:
            x = x - tf.reduce_sum(scaled * x, axis=-1, keepdims=True) * v
        return x


class _AllAtOnce:
    """As `_OneByOne`, with as many operations for many reflections as for few.

    With `V` the vectors, rows `[..., K, D]`, the product is `I - V^T S^-1 V`, where `S` has the products of different
    vectors above its diagonal and half of `|v|^2` on it: one triangular system of `K` unknowns.
    """

    def __init__(self, vectors, num_columns):
        self._v, self._v_first = vectors, vectors[..., :num_columns]
        self._size, self._num_columns = vectors.shape[-1], num_columns
        gram, unit = products.matmul(vectors, vectors, transpose_b=True), np.eye(vectors.shape[-2])
        upper = tf.constant(np.triu(np.ones_like(unit), 1) + 0.5 * unit, gram.dtype)
        nothing = tf.logical_and(unit == 1, gram <= _SMALLEST_SQUARE)
        s = tf.where(nothing, tf.ones([], gram.dtype), gram * upper)
        unit = tf.eye(vectors.shape[-2], batch_shape=tf.shape(s)[:-2], dtype=s.dtype)
        self._inverse = tf.linalg.triangular_solve(s, unit, lower=False)

    def projected(self, x):
        """`Q^T x`."""
        inner = products.matvec(self._inverse, products.matvec(self._v, x), transpose=True)
        return x[..., : self._num_columns] - products.matvec(self._v_first, inner, transpose=True)

    def expanded(self, v):
        """`Q v`."""
        inner = products.matvec(self._inverse, products.matvec(self._v_first, v))
        v = tf.pad(v, [[0, 0]] * (v.shape.rank - 1) + [[0, self._size - self._num_columns]])
        return v - products.matvec(self._v, inner, transpose=True)


class _Triangles:
    """The upper triangular `R` and `R~`, of one raw matrix, whose diagonal is that of `R`, and one more diagonal."""

    def __init__(self, raw, diagonal):
        ones = np.ones(raw.shape[-2:])
        entries = numerics.bounded(raw, _OFF_DIAGONAL_LIMIT)
        self._above = entries * tf.constant(np.triu(ones, 1), raw.dtype)
        self._below = entries * tf.constant(np.tril(ones, -1), raw.dtype)
        self._first = _LARGEST_DIAGONAL * tf.tanh(tf.linalg.diag_part(raw))
        self._second = _LARGEST_DIAGONAL * tf.tanh(diagonal)
        self.slope = self._first * self._second

    def first(self, v):
        """`R v`."""
        return products.matvec(self._above, v) + self._first * v

    def second(self, v):
        """`R~ v`."""
        return products.matvec(self._below, v, transpose=True) + self._second * v

    def product(self):
        """`R~ R`, the matrix."""
        second = tf.linalg.set_diag(tf.linalg.matrix_transpose(self._below), self._second)
        return products.matmul(second, tf.linalg.set_diag(self._above, self._first))


def _shapes(event_size, kind, num_vectors):
    """Shapes of the raw parameters by name, in order."""
    arguments.check_choice(("orthogonal", "householder", "triangular"), kind=kind)
    arguments.check_integer(event_size=event_size)
    if kind == "triangular":
        if num_vectors is not None:
            raise ValueError(f"The triangular kind has no vectors. Received: num_vectors={num_vectors!r}")
        return {"triangles": (event_size, event_size), "diagonal": (event_size,), "b": (event_size,)}
    count = min(event_size, 8) if num_vectors is None else num_vectors
    arguments.check_integer(num_vectors=count)
    if count > event_size:
        raise ValueError(f"`num_vectors` must be at most the event size, {event_size}. Received: {count}")
    rank = count if kind == "orthogonal" else event_size
    return {"vectors": (count, event_size), "triangles": (rank, rank), "diagonal": (rank,), "b": (rank,)}


def _solve(matrix, slope, c):
    """The root of `t + matrix tanh(t) = c`, `matrix` upper triangular with diagonal `slope`, with its derivatives.

    Each round solves for every entry as if the later ones were right, which makes one more of them so, from the last to
    the first. Then two steps of Newton's method, as in `tanh_equation.solve`.
    """
    fixed, diagonal, wanted = (tf.stop_gradient(each) for each in (matrix, slope, c))
    above = tf.linalg.set_diag(fixed, tf.zeros_like(diagonal))

    def round_(t, _):
        found = tanh_equation.root(diagonal, wanted - products.matvec(above, tf.tanh(t)))
        found = shapes.known(found, t.shape)
        return found, tf.reduce_any(found != t)

    t, _ = tf.while_loop(lambda _, moved: moved, round_, (wanted, True), maximum_iterations=matrix.shape[-1])
    t = tf.stop_gradient(t)
    for _ in range(2):
        h = tf.tanh(t)
        jacobian = matrix * ((1.0 - h) * (1.0 + h))[..., None, :]
        jacobian = tf.linalg.set_diag(jacobian, 1.0 + tf.linalg.diag_part(jacobian))
        residual = t + products.matvec(matrix, h) - c
        t -= tf.linalg.triangular_solve(jacobian, residual[..., None], lower=False)[..., 0]
    return t


def _log_det(slope, h):
    return tf.reduce_sum(tf.math.log1p(slope * (1.0 - h) * (1.0 + h)), axis=-1)
