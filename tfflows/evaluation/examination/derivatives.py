"""Whether first and second derivatives of a layer, or of the base, are those that differences tell."""

import numpy as np
import tensorflow as tf

from tfflows.evaluation.examination.finding import error, warning
from tfflows.evaluation.examination.walk import REFUSALS

WRONG_SCORE, WRONG_HESSIAN = "wrong gradient", "wrong second derivative"
_EXAMPLES = 16
_STEP = {True: 1e-3, False: 1e-2}  # in deviations: in float64, or not
# Kinks of ReLUs bend what differences see, and no derivative: second differences have to agree more closely.
_AGREE, _AGREE_SECOND, _WRONG, _SHARE = 0.02, 0.003, 0.1, 0.25
_ROUNDING = 1e-6  # of values that a float32 network gives


def examine(layer):
    """Of a random sum over what the inverse gives, and of its log-det: the score is made of these, layer by layer."""
    y, context = layer.first(_EXAMPLES)
    weights = _random(layer.x[:_EXAMPLES].shape, layer.dtype, 1)

    def values(y):
        x, log_det, _ = layer.inverse(y, context)
        return tf.reduce_sum(tf.reshape(weights * x, [len(y), -1]), axis=1) + log_det

    yield from _compared(values, y, layer.exact, layer.name)


def examine_base(base, z):
    """Of the log-density of the base."""
    if base.dtype.is_floating:
        yield from _compared(base.log_prob, z[:_EXAMPLES], base.dtype == tf.float64, "the base")


def _compared(values, y, exact, name):
    along, scale = _random(y.shape, y.dtype, 2), max(float(np.std(y)), np.finfo(np.float32).tiny)
    try:
        slope, curvature = _first(values, y), _along(values, along)
        found = _share_wrong(slope, values, y, along, _STEP[exact] * scale, _AGREE)
        if found > _SHARE:
            what = f"another one for {found:.0%} of the examples"
            yield error(WRONG_SCORE, name, "the gradient that differences give", what)
            return
        second, across = _first(curvature, y), _random(y.shape, y.dtype, 3)
        found = _share_wrong(second, curvature, y, across, _STEP[exact] * scale, _AGREE_SECOND)
    except REFUSALS:  # no second derivatives, no such dtype: nothing to compare
        return
    if found > _SHARE:
        expected = "the product of the Hessian with a vector that differences of gradients give"
        yield warning(WRONG_HESSIAN, name, expected, f"another one for {found:.0%} of the examples")


def _first(values, y):
    with tf.GradientTape() as tape:
        tape.watch(y)
        total = tf.reduce_sum(values(y))
    return tape.gradient(total, y, unconnected_gradients="zero")


def _along(values, direction):
    """The slope of every example along a direction, a function of the events."""
    return lambda y: tf.reduce_sum(tf.reshape(_first(values, y) * direction, [len(y), -1]), axis=1)


def _share_wrong(gradient, values, y, direction, step, agree):
    """Of the examples for which differences of two sizes agree, how many have another slope; 0 of a few.

    What the rounding of a network in float32 makes of differences counts for nothing.
    """
    differences, largest = [], 0.0
    for size in (step, step / 2):
        up, down = (np.asarray(values(y + sign * size * direction), np.float64) for sign in (1.0, -1.0))
        differences.append((up - down) / (2 * size))
        largest = max(largest, float(np.max(np.abs(up))))
    coarse, fine = differences
    noise = _ROUNDING * largest / step
    slope = np.sum(np.asarray(gradient * direction, np.float64).reshape(len(coarse), -1), axis=1)
    with np.errstate(invalid="ignore"):
        known = np.abs(coarse - fine) <= agree * np.abs(fine) + noise
        wrong = known & ~(np.abs(slope - fine) <= _WRONG * np.abs(fine) + 3 * noise)
    return wrong.sum() / known.sum() if 4 * known.sum() >= len(known) else 0.0


def _random(shape, dtype, seed):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), dtype)
