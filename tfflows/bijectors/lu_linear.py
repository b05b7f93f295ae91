"""Mixing by a triangular factorisation."""

import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import products, shapes


class LULinear(KerasBijector):
    """A learned invertible matrix `W = L U`, and a shift, that mix the entries of a vector.

    `L` is lower triangular with ones on its diagonal, `U` upper triangular with `exp(log_scale)` on its own:

    * inverse, data to latent: `x = L U y + shift`
    * forward: `y = U^-1 L^-1 (x - shift)`, two triangular systems
    * forward log-det: `-sum(log_scale)`

    It starts as the identity. One `D x D` weight holds `L`, `U` and, on its diagonal, `log_scale`. What it cannot reach
    alone, matrices that need a permutation, `Permutation` before or after it adds. (`InvertibleConv` has a permutation
    inside, starts as a rotation and acts at every pixel.)

    `event_ndims`: 1. Cost: `O(D^2)` for each event in each direction, and `O(D^3)` once in the inverse.

    Args:
      event_size: int, `D`.
      dtype, name: see `joint.KerasBijector`.

    Raises:
      ValueError: an event size below 1.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import LULinear
    >>> LULinear(3).forward(tf.constant([1.0, 2.0, 3.0])).numpy().tolist()
    [1.0, 2.0, 3.0]

    References:
      Oliva et al. Transformation autoregressive networks. ICML 2018, arXiv 1801.09819, section 3.2.
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032, section 4.
    """

    def __init__(self, event_size, *, dtype="float32", name="lu_linear"):
        parameters = dict(locals())
        arguments.check_integer(event_size=event_size)
        super().__init__(forward_min_event_ndims=1, event_shape=[event_size], parameters=parameters)
        self.factors = self.add_weight(name="factors", shape=(event_size, event_size), dtype=dtype)
        self.shift = self.add_weight(name="shift", shape=(event_size,), dtype=dtype)

    def forward_and_log_det(self, x, context=None):
        lower, upper, log_scale = self._factors(x.dtype)
        columns = tf.transpose(tf.reshape(x - tf.cast(self.shift.value, x.dtype), [-1, x.shape[-1]]))
        columns = tf.linalg.triangular_solve(upper, tf.linalg.triangular_solve(lower, columns), lower=False)
        y = shapes.known(tf.reshape(tf.transpose(columns), tf.shape(x)), x.shape)
        return y, tf.fill(shapes.batch_shape(x, 1), tf.reduce_sum(-log_scale))

    def inverse_and_log_det(self, y, context=None):
        lower, upper, log_scale = self._factors(y.dtype)
        x = products.matvec(products.matmul(lower, upper), y) + tf.cast(self.shift.value, y.dtype)
        return x, tf.fill(shapes.batch_shape(y, 1), tf.reduce_sum(log_scale))

    @property
    def matrix(self):
        """`W`, an array `[D, D]` in float64."""
        lower, upper, _ = self._factors(tf.float64)
        return (lower @ upper).numpy()

    def _factors(self, dtype):
        factors = tf.cast(self.factors.value, dtype)
        log_scale = tf.linalg.diag_part(factors)
        return *products.triangles(factors, tf.exp(log_scale)), log_scale
