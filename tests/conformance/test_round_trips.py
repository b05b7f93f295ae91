"""Forward and inverse undo each other, at every scale, without any cache's help."""

import numpy as np
import pytest
import tensorflow as tf
from cases import every_case

# Relative to the largest number met on the way. Rounding is amplified by at most the scales of a few couplings.
TOLERANCE = {"float32": 3e-5, "float64": 3e-14}
SCALES = (1e-6, 1e-3, 1.0, 1e3, 1e6)


def _assert_undone(case, dtype, scale, start, there, back):
    bijector = case.shared(dtype)
    interval = "domain" if there == "forward" else "image"
    start_ = case.inputs((6,), dtype, scale=scale, seed=start, interval=interval)
    kwargs = case.kwargs(bijector, (6,), dtype)
    middle = tf.identity(getattr(bijector, there)(start_, **kwargs))
    other = case.twin(dtype)  # no cache of the first can answer
    end = getattr(other, back)(middle, **case.kwargs(other, (6,), dtype))
    assert end is not start_ and end.dtype == dtype
    largest = max(1.0, np.abs(start_).max(), np.abs(middle).max())
    np.testing.assert_array_less(np.abs(end - start_), TOLERANCE[dtype] * largest)


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inverse_of_forward(case, dtype):
    for scale in SCALES if case.domain is None else (1.0,):
        _assert_undone(case, dtype, scale, 0, "forward", "inverse")


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forward_of_inverse(case, dtype):
    for scale in SCALES if case.image is None else (1.0,):
        _assert_undone(case, dtype, scale, 1, "inverse", "forward")


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_dets_are_finite_at_every_scale(case, dtype):
    bijector = case.shared(dtype)
    kwargs = case.kwargs(bijector, (6,), dtype)
    for scale in SCALES:
        x = case.inputs((6,), dtype, scale=scale)
        y = case.inputs((6,), dtype, scale=scale, interval="image")
        assert np.isfinite(bijector.forward_log_det_jacobian(x, case.ndims, **kwargs)).all()
        assert np.isfinite(bijector.inverse_log_det_jacobian(y, case.ndims, **kwargs)).all()


@every_case
def test_float32_agrees_with_float64(case, double):
    single = case.shared("float32")
    for mine, theirs in zip(double.variables, single.variables, strict=True):
        mine.assign(tf.cast(theirs, mine.dtype))
    x = case.inputs((6,), "float32")
    x64, kwargs, kwargs64 = tf.cast(x, "float64"), case.kwargs(single, (6,)), case.kwargs(double, (6,), "float64")
    kwargs64 = tf.nest.map_structure(lambda a, b: tf.cast(b, a.dtype), kwargs64, kwargs)
    y, y64 = single.forward(x, **kwargs), double.forward(x64, **kwargs64)
    np.testing.assert_allclose(y, y64, rtol=1e-5, atol=1e-5 * np.abs(y64).max())
    log_det = single.forward_log_det_jacobian(x, case.ndims, **kwargs)
    np.testing.assert_allclose(log_det, double.forward_log_det_jacobian(x64, case.ndims, **kwargs64), 1e-5, 1e-4)
