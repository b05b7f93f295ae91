"""Bounds for the raw parameters of a bijection.

An affine coupling multiplies by `exp(log_scale)`. Unbounded, one large conditioner output overflows the
likelihood; each bound below is a smooth map of the raw conditioner output that keeps `exp` finite.
"""

import functools
import math
import numbers

import numpy as np
import tensorflow as tf

from tfflows import arguments

_LIMIT = 3.0  # scales between exp(-3) = 0.05 and exp(3) = 20 per layer
_ARCTAN_LIMIT = 2.0 * _LIMIT / math.pi


def bounded(raw, limit):
    """`limit tanh(raw / limit)`, in `[-limit, limit]`, of value 0 and slope 1 at 0."""
    return limit * tf.tanh(raw / limit)


_BOUNDS = {
    "arctan": lambda raw: _ARCTAN_LIMIT * tf.atan(raw / _ARCTAN_LIMIT),
    "none": tf.identity,
    "sigmoid": lambda raw: tf.math.log_sigmoid(tf.clip_by_value(raw, -10.0, 10.0) + 2.0),
    "softsign": lambda raw: raw / (1.0 + tf.abs(raw) / _LIMIT),
    "tanh": lambda raw: bounded(raw, _LIMIT),
}


def class_prior(prior, num_classes):
    """The probabilities of classes, float64 `[num_classes]`; of `None` all alike.

    Raises:
      ValueError: another number of them, some that are not positive, or another sum than 1.
    """
    prior = np.full(num_classes, 1 / num_classes) if prior is None else np.asarray(prior, np.float64)
    if prior.shape != (num_classes,) or not (prior > 0).all() or abs(prior.sum() - 1) > 1e-6:
        raise ValueError(
            f"`prior` must hold {num_classes} positive probabilities that sum to 1. Received: {prior.tolist()}"
        )
    return prior


def log_scale_bound(name):
    """The function `raw -> log_scale` of that name, or `limit tanh(raw / limit)` of a number, the limit.

    | name | formula | range | source |
    | --- | --- | --- | --- |
    | `"tanh"` | `3 tanh(raw / 3)` | (-3, 3) | RealNVP (Dinh et al. 2017, section 4.1), with a fixed limit |
    | `"arctan"` | `(6/pi) atan(pi raw / 6)` | (-3, 3) | Ardizzone et al. 2019 |
    | `"softsign"` | `raw / (1 + abs(raw) / 3)` | (-3, 3) | |
    | `"sigmoid"` | `log sigmoid(clip(raw, -10, 10) + 2)` | (-8.0004, 0) | Glow's code (Kingma and Dhariwal 2018) |
    | `"none"` | `raw` | unbounded: may overflow | |

    Every one but `"sigmoid"` has value 0 and slope 1 at 0.

    Raises:
      ValueError: unknown name, a limit that is not positive.
    """
    if isinstance(name, numbers.Real):
        arguments.check_positive(log_scale_bound=name)
        return functools.partial(bounded, limit=float(name))
    arguments.check_choice(_BOUNDS, log_scale_bound=name)
    return _BOUNDS[name]


def above_zero(u):
    """Draws `u` in `[0, 1)`, those of exactly 0 moved up, by less than a step between draws: for `log`, quantiles."""
    return tf.maximum(u, np.finfo(u.dtype.as_numpy_dtype).epsneg)


def below_next_integer(x, noise):
    """`x + noise`, whole floats `x` and `noise` in `[0, 1)`, between `x` and `x + 1`: never the sum rounded up to
    `x + 1`, never 0, the end of the range of all levels."""
    return tf.minimum(x + above_zero(noise), tf.math.nextafter(x + 1, tf.zeros_like(x)))


def batch_mean(x, event_ndims=0):
    """The mean over all axes but the last `event_ndims`; 0 for an empty batch, where `tf.reduce_mean` is NaN."""
    batch = x.shape.rank - event_ndims
    count = tf.maximum(tf.reduce_prod(tf.shape(x)[:batch]), 1)
    return tf.reduce_sum(x, axis=list(range(batch))) / tf.cast(count, x.dtype)
