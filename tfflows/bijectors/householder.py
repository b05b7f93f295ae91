"""Mixing by a product of reflections."""

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import products, seeds, shapes


class Householder(KerasBijector):
    """A learned orthogonal matrix `Q`, the product of `K` Householder reflections, that mixes the entries of a vector.

    With learned vectors `v_1 ... v_K` and `Q = H_1 ... H_K`, `H_k = I - 2 v_k v_k^T / |v_k|^2`:

    * forward: `y = Q x`
    * inverse: `x = Q^T y`
    * log-det: 0

    `K = D` reflections reach every orthogonal matrix whose determinant is `(-1)^D`. For an even `K` it starts as the
    identity, with each second vector equal to the one before it; for an odd one as a single random reflection.

    `event_ndims`: 1. Cost: `O(D^2)` for each event, and `O(D K (D + K))` once, in each direction.

    Args:
      event_size: int, `D`.
      num_reflections: int, `K`; 2 or more is useful, `D` at most.
      dtype, seed, name: see `joint.KerasBijector`.

    Raises:
      ValueError: sizes below 1, more reflections than entries.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Householder
    >>> Householder(3, num_reflections=2, seed=0).forward(tf.constant([1.0, 2.0, 3.0])).numpy().round(4).tolist()
    [1.0, 2.0, 3.0]

    References:
      Tomczak, Welling. Improving variational auto-encoders using Householder flow. 2016, arXiv 1611.09630.
    """

    def __init__(self, event_size, *, num_reflections=2, dtype="float32", seed=None, name="householder"):
        parameters = dict(locals())
        arguments.check_integer(event_size=event_size, num_reflections=num_reflections)
        if num_reflections > event_size:
            raise ValueError(
                f"`num_reflections` must be at most the event's size, {event_size}. Received: {num_reflections}"
            )
        self._shape = event_size, num_reflections
        super().__init__(forward_min_event_ndims=1, event_shape=[event_size], parameters=parameters)
        self.vectors = self.add_weight(name="vectors", dtype=dtype, value=self.random_weights(seed)["vectors"])

    def random_weights(self, seed):
        size, count = self._shape
        vectors = np.random.default_rng(seeds.given_or_drawn(seed)).normal(size=(size, (count + 1) // 2))
        return {"vectors": np.repeat(vectors / np.linalg.norm(vectors, axis=0), 2, axis=1)[:, :count]}

    def forward_and_log_det(self, x, context=None):
        return self._apply(x, transpose=True)

    def inverse_and_log_det(self, y, context=None):
        return self._apply(y, transpose=False)

    def _apply(self, x, *, transpose):
        """Rows times `Q^T` are `Q` times columns."""
        q = _product_of_reflections(tf.cast(self.vectors.value, x.dtype))
        return products.matvec(q, x, transpose=not transpose), tf.zeros(shapes.batch_shape(x, 1), x.dtype)


def _product_of_reflections(vectors):
    """`H_1 ... H_K` of the columns of `[D, K]`: `I - V S^-1 V^T` of the normalised vectors; `S` has their products
    above its diagonal and 1/2 on it: one triangular system instead of one reflection after another."""
    v = vectors * tf.math.rsqrt(tf.maximum(tf.reduce_sum(vectors**2, axis=0), 1e-36))
    gram = products.matmul(v, v, transpose_a=True)
    squares = tf.linalg.diag_part(gram)  # 0 of a column of zeros, which reflects nothing
    s = tf.linalg.set_diag(tf.linalg.band_part(gram, 0, -1), tf.where(squares > 0.0, 0.5 * squares, 1.0))
    solved = tf.linalg.triangular_solve(s, tf.transpose(v), lower=False)
    return tf.eye(v.shape[0], dtype=v.dtype) - products.matmul(v, solved)
