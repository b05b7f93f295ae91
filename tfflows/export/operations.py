"""What some runtimes lack of TensorFlow's operations, in terms of those that they have.

Each function takes the operation and its inputs, and gives what stands for its output.
"""

import numpy as np
import tensorflow as tf


def broadcast_args(_, a, b):
    """The shape of two broadcast shapes."""
    rank = max(a.shape[0], b.shape[0])
    a, b = (tf.concat([tf.ones([rank - each.shape[0]], each.dtype), each], axis=0) for each in (a, b))
    return tf.where(tf.equal(a, 1), b, a)


def matrix_triangular_solve(op, matrix, right):
    """For a matrix of constants: a product with its inverse, which is taken in float64."""
    fixed = tf.get_static_value(matrix)
    if fixed is None:
        raise ValueError("it solves for a triangular matrix that depends on its arguments")
    fixed = (np.tril if op.get_attr("lower") else np.triu)(fixed).astype(np.float64)
    inverse = np.linalg.inv(np.swapaxes(fixed, -1, -2) if op.get_attr("adjoint") else fixed)
    return tf.matmul(tf.constant(inverse.astype(matrix.dtype.as_numpy_dtype)), right)


def sinh(_, x):
    """By `t = tanh(x / 2)` where exponentials cancel."""
    t, half = tf.tanh(tf.clip_by_value(x, -1.0, 1.0) / 2), tf.exp(tf.abs(x) - _constant(np.log(2), x))
    return tf.where(tf.abs(x) < 1, 2 * t / (1 - t * t), tf.sign(x) * (half - 0.25 / half))


def asinh(op, x):
    """A logarithm, improved where it is small by a Newton step for `sinh`."""
    size = tf.abs(x)
    bounded = tf.minimum(size, 1e4)
    root = tf.sqrt(bounded * bounded + 1)
    log = tf.math.log(bounded + root) + tf.math.log(tf.maximum(size, 1e4) / 1e4)
    return tf.sign(x) * tf.where(size < 1, log - (sinh(op, log) - bounded) / root, log)


def expm1(_, x):
    """By `tanh(x / 2)` where the exponential is near 1."""
    t = tf.tanh(tf.clip_by_value(x, -1.0, 1.0) / 2)
    return tf.where(tf.abs(x) < 1, 2 * t / (1 - t), tf.exp(x) - 1)


def log1p(_, x):
    """By the series of `2 artanh(x / (2 + x))` for `x` in [-0.5, 1], to a hundredth of float32's resolution."""
    s = tf.clip_by_value(x, -0.5, 1.0)
    s = s / (2 + s)
    series = tf.zeros_like(x)
    for power in range(17, 0, -2):
        series = series * s * s + 1 / power
    return tf.where((x > -0.5) & (x < 1), 2 * s * series, tf.math.log(1 + x))


def softplus(op, x):
    """`max(x, 0) + log(1 + exp(-|x|))`."""
    return tf.maximum(x, 0) + log1p(op, tf.exp(-tf.abs(x)))


def erfc(_, x):
    """A Chebyshev fit with a relative error below 1.2e-7 everywhere (Press et al., Numerical Recipes, `erfcc`)."""
    terms = (-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587)
    size = tf.abs(x)
    t, series = 1 / (1 + size / 2), tf.zeros_like(x)
    for term in reversed((*terms, -0.82215223, 0.17087277)):
        series = series * t + term
    tail = t * tf.exp(series - size * size)
    return tf.where(x < 0, 2 - tail, tail)


def loop(*_):
    """LiteRT wants to know all sizes in one."""
    raise ValueError("it runs a loop over the entries of an event")


def _constant(value, like):
    return tf.constant(value, like.dtype)


EVERYWHERE = {"BroadcastArgs": broadcast_args, "MatrixTriangularSolve": matrix_triangular_solve}
EVERYWHERE |= {"Erfc": erfc, "Expm1": expm1, "Log1p": log1p}
OF_LITERT = {**EVERYWHERE, "Asinh": asinh, "Sinh": sinh, "Softplus": softplus}
OF_LITERT |= {"While": loop, "StatelessWhile": loop}
