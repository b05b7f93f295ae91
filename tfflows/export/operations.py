"""What some runtimes lack of TensorFlow's operations, in terms of those that they have.

Each function takes the operation and its inputs, and gives what stands for its output.
"""

import functools
import math

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


def erf(op, x):
    """Its series near 0, elsewhere by `erfc`."""
    near, series = tf.clip_by_value(x, -1.0, 1.0), tf.zeros_like(x)
    for n in range(11, -1, -1):
        series = 2 / math.sqrt(math.pi) / (2 * n + 1) * (-1) ** n / math.factorial(n) + near * near * series
    return tf.where(tf.abs(x) < 1, near * series, tf.sign(x) * (1 - erfc(op, tf.abs(x))))


def ndtri(_, p):
    """The fit to 1e-7 of Wichura (algorithm AS 241, `PPND7`, Applied Statistics 37, 1988)."""
    q = p - 0.5
    near = 0.180625 - q * q
    middle = q * _ratio(near, _MIDDLE)
    far = tf.sqrt(-tf.math.log(tf.minimum(p, 1 - p)))
    tail = tf.where(far <= 5, _ratio(far - 1.6, _TAIL), _ratio(far - 5, _FAR_TAIL))
    inside = tf.where(tf.abs(q) <= 0.425, middle, tf.sign(q) * tail)
    return tf.where(p <= 0, -math.inf, tf.where(p >= 1, math.inf, inside))


_MIDDLE = (3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1.0, 17.895169469, 78.757757664, 67.187563600)
_TAIL = (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975)
_FAR_TAIL = (6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997), (1.0, 0.24197894225, 0.012258202635)


def _ratio(x, coefficients):
    """Of two polynomials, each by its coefficients from the constant one."""
    above, below = (functools.reduce(lambda sum, each: sum * x + each, reversed(part)) for part in coefficients)
    return above / below


def loop(*_):
    """LiteRT wants to know all sizes in one."""
    raise ValueError("it runs a loop over the entries of an event")


def _constant(value, like):
    return tf.constant(value, like.dtype)


EVERYWHERE = {"BroadcastArgs": broadcast_args, "MatrixTriangularSolve": matrix_triangular_solve}
EVERYWHERE |= {"Erfc": erfc, "Expm1": expm1, "Log1p": log1p, "Ndtri": ndtri}
OF_LITERT = {**EVERYWHERE, "Erf": erf, "Asinh": asinh, "Sinh": sinh, "Softplus": softplus}
OF_LITERT |= {"While": loop, "StatelessWhile": loop}
