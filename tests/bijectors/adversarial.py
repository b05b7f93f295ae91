"""Raw parameters meant to break an amortised bijection, and the check that they do not."""

import numpy as np
import tensorflow as tf

from tfflows.networks import ContextLinear

SIZES = (1e-12, 1e-3, 1.0, 30.0, 1e4)
# Rounding of the latent is amplified by slopes up to 900 one way, and by 100 times that the other.
TOLERANCE = {"float32": 2e-3, "float64": 1e-11}


def raw_values(num_raw, seed=0):
    """Raw parameters `[n, num_raw]`: equal, alternating, opposite halves, one alone, random; of each size up to 1e4."""
    rng = np.random.default_rng(seed)
    half = np.where(np.arange(num_raw) < num_raw // 2, 1.0, -1.0)
    patterns = [np.zeros(num_raw), np.ones(num_raw), -np.ones(num_raw), (-1.0) ** np.arange(num_raw), half, -half]
    patterns += [*np.eye(num_raw)[:2], *rng.choice([-1.0, 1.0], (6, num_raw)), *rng.normal(size=(6, num_raw))]
    return np.concatenate([size * np.stack(patterns) for size in SIZES])


def assert_never_breaks(make, num_raw, event_size, dtype):
    """`make(conditioner)` is a bijection for every raw value: finite, undone, its Jacobian's determinant positive."""
    net = ContextLinear(num_raw, context_size=num_raw, dtype=dtype)
    net.kernel.assign(np.eye(num_raw))
    flow, raw = make(net), tf.constant(raw_values(num_raw), dtype)
    for scale in (1e-3, 1.0, 30.0, 1e4):
        x = tf.constant(scale * np.random.default_rng(1).normal(size=(4, len(raw), event_size)), dtype)
        y, log_det = flow.forward_and_log_det(x, context=raw)
        back, inverse_log_det = flow.inverse_and_log_det(y, context=raw)
        again = flow.forward_and_log_det(back, context=raw)[0]
        assert all(np.isfinite(each).all() for each in (y, log_det, back, inverse_log_det, again))
        largest = np.maximum(1.0, np.maximum(np.abs(x).max(-1), np.abs(y).max(-1)))
        np.testing.assert_array_less(np.abs(again - y).max(-1) / largest, TOLERANCE[dtype])
        if dtype == "float64":
            np.testing.assert_array_less(np.abs(back - x).max(-1) / largest, 100 * TOLERANCE[dtype])
            np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-5)
            sign, expected = _autodiff(flow, x, raw)
            assert (sign == 1).all()
            np.testing.assert_allclose(log_det, expected, atol=1e-6)


def _autodiff(flow, x, context):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = tf.unstack(flow.forward_and_log_det(x, context=context)[0], axis=-1)
    return np.linalg.slogdet(np.stack([tape.gradient(y, x) for y in outputs], axis=-2))
