"""What stands for an operation in other runtimes gives its value, against float64."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tfflows.export import operations

SIZES = np.logspace(-12, 1.9, 400)
BOTH = np.concatenate([-SIZES[::-1], [0.0], SIZES]).astype("float32")
FAR = np.logspace(-12, 30, 400).astype("float32")
EXACT = {
    "sinh": (np.sinh, BOTH),
    "asinh": (np.arcsinh, np.concatenate([-FAR, BOTH, FAR])),
    "expm1": (np.expm1, BOTH),
    "log1p": (np.log1p, np.concatenate([-SIZES[SIZES < 0.999], FAR]).astype("float32")),
    "softplus": (lambda x: np.logaddexp(0, x), BOTH),
    "erf": (scipy.special.erf, BOTH),
    "ndtri": (scipy.special.ndtri, np.concatenate([FAR[FAR < 0.5], 1 - SIZES[SIZES < 0.5], [0.0]]).astype("float32")),
    "erfc": (scipy.special.erfc, BOTH[np.abs(BOTH) < 8]),
}


@pytest.mark.parametrize("name", EXACT)
def test_relative_error(name):
    exact, x = EXACT[name]
    found, expected = getattr(operations, name)(None, tf.constant(x)).numpy(), exact(x.astype("float64"))
    rounding = np.maximum(1, np.abs(x)) if name in ("sinh", "expm1", "softplus") else 1 + x**2 if name == "erfc" else 1
    finite, floor = np.isfinite(expected), 3e-8 if name == "ndtri" else 1e-38
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    assert (np.abs(found - expected)[finite] <= (1e-6 * rounding * np.abs(expected) + floor)[finite]).all()


def test_broadcast_shapes():
    for a, b in (((3, 1), (1, 4)), ((), (2, 5)), ((7,), (2, 1)), ((0, 3), (1, 3))):
        given = (tf.constant(shape, tf.int32, shape=[len(shape)]) for shape in (a, b))
        assert tuple(operations.broadcast_args(None, *given).numpy()) == np.broadcast_shapes(a, b)


@pytest.mark.parametrize(("lower", "adjoint"), [(True, False), (False, True)])
def test_triangular_solve(lower, adjoint):
    rng = np.random.default_rng(0)
    matrix, right = (rng.normal(size=shape).astype("float32") for shape in ((4, 4), (4, 3)))
    matrix += 4 * np.eye(4, dtype="float32")
    with tf.Graph().as_default() as graph:
        op = tf.linalg.triangular_solve(matrix, right, lower=lower, adjoint=adjoint).op
    found = operations.matrix_triangular_solve(op, tf.constant(matrix), tf.constant(right))
    assert op.type == "MatrixTriangularSolve" and op.graph is graph
    kept = np.tril(matrix) if lower else np.triu(matrix)
    np.testing.assert_allclose((kept.T if adjoint else kept) @ found, right, atol=1e-5)
