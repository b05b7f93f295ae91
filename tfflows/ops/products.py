"""Products of matrices in full precision.

A bijection undoes itself only as exactly as its arithmetic is, and its log-det is that of the arithmetic as written. On
NVIDIA GPUs since Ampere TensorFlow multiplies float32 in TensorFloat-32, which keeps 11 of the 24 binary digits: good
enough inside a network, not here. The products below keep float32's digits without touching that global setting.
"""

import tensorflow as tf

from tfflows.ops import shapes

_KEPT = -(1 << 13)  # all bits of a float32 but the 13 that TensorFloat-32 has no room for
_SMALL = 256  # entries of a matrix


def matmul(a, b, *, transpose_a=False, transpose_b=False):
    """`a @ b` of the last two axes, as `tf.matmul`.

    Where the device would round the factors to TensorFloat-32, each is split into a part that this leaves as it is, and
    the rest, and the products of the parts are summed: `a b = a' b' + (a' b" + a" b')`, to a relative error of `2^-22`.
    """
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    if a.dtype != tf.float32 or not _rounded():
        return tf.matmul(a, b, **options)
    (a, a_rest), (b, b_rest) = _split(a), _split(b)
    rest = tf.matmul(a, b_rest, **options) + tf.matmul(a_rest, b, **options)
    return tf.matmul(a, b, **options) + rest


def matvec(matrix, vector, *, transpose=False):
    """`matrix @ vector` (`matrix^T @ vector`) over the last axes; one matrix for all vectors is one product of two.

    Of small matrices, a different one for each vector, products of entries are summed: on a CPU a third of the time.
    """
    if matrix.shape.rank == 2:
        rows = tf.reshape(vector, [-1, vector.shape[-1]])
        y = matmul(rows, matrix, transpose_b=not transpose)
        shape = tf.concat([tf.shape(vector)[:-1], tf.shape(y)[-1:]], axis=0)
        return shapes.known(tf.reshape(y, shape), [*vector.shape[:-1], y.shape[-1]])
    if None not in matrix.shape[-2:] and matrix.shape[-2:].num_elements() <= _SMALL:
        axis = -2 if transpose else -1
        return tf.reduce_sum(matrix * tf.expand_dims(vector, -1 if transpose else -2), axis)
    return matmul(matrix, vector[..., None], transpose_a=transpose)[..., 0]


def triangles(factors, diagonal):
    """Of one matrix that holds both: a lower triangle with ones on its diagonal, and an upper one with `diagonal`."""
    lower = tf.linalg.set_diag(tf.linalg.band_part(factors, -1, 0), tf.ones_like(diagonal))
    return lower, tf.linalg.set_diag(tf.linalg.band_part(factors, 0, -1), diagonal)


def _rounded():
    """Whether float32 products run in TensorFloat-32."""
    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    return enabled and bool(tf.config.list_physical_devices("GPU"))


def _split(x):
    """`(kept, rest)`, summing to `x`: what TensorFloat-32 represents exactly, with `x`'s gradient, and a constant."""
    kept = tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), _KEPT), tf.float32)
    rest = tf.stop_gradient(x - kept)
    return x - rest, rest
