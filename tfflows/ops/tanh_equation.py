"""The scalar equation that inverts planar and Sylvester flows: `t + slope * tanh(t) = c`."""

import tensorflow as tf

from tfflows.ops import shapes

_MOST_STEPS = 64  # about 10 are taken
_EPSILON = {tf.float32: 2.0**-23, tf.float64: 2.0**-52}


def root(slope, c):
    """The one root `t` of `t + slope * tanh(t) = c`, elementwise, without gradients.

    For `slope > -1` the left side increases in `t` and is odd, so the root for `|c|` is looked for, where it is not
    negative. There the left side is convex for a negative slope and concave for a positive one: Newton's method,
    started above the root in the first case and below it in the second, never overshoots, whatever `slope` and `c`.

    `slope` and `c` are in float32 or both in float64, and broadcast. The root has about half the digits of the dtype or
    better; `solve` gives all of them.
    """
    shape = tf.broadcast_dynamic_shape(tf.shape(slope), tf.shape(c))
    static = tf.broadcast_static_shape(slope.shape, c.shape)
    m = shapes.known(tf.broadcast_to(tf.stop_gradient(slope), shape), static)
    c = shapes.known(tf.broadcast_to(tf.stop_gradient(c), shape), static)
    size, precision = tf.abs(c), 0.1 * _EPSILON[c.dtype] ** 0.5
    # tanh(t) is below 1 and below t: both are bounds of the root, from above for m < 0, else from below.
    one, other = size - m, size / (1.0 + m)
    start = tf.where(m < 0.0, tf.minimum(one, other), tf.maximum(one, other))

    def moves(t, change):
        return tf.reduce_any(tf.abs(change) > precision * tf.abs(t))

    def step(t, change):
        change = _newton(m, size, t)
        return t - change, change

    t, _ = tf.while_loop(moves, step, (start, start), maximum_iterations=_MOST_STEPS)
    return tf.stop_gradient(tf.sign(c) * t)


def solve(slope, c):
    """The root of `t + slope * tanh(t) = c`, as `root`, to the last digits and with its derivatives.

    Two more steps of Newton's method are recorded: at the root, their derivatives up to the third are its own.
    """
    t = root(slope, c)
    t -= _newton(slope, c, t)
    return t - _newton(slope, c, t)


def _newton(slope, c, t):
    """The step that Newton's method takes back from `t`."""
    h = tf.tanh(t)
    return (t + slope * h - c) / (1.0 + slope * (1.0 - h) * (1.0 + h))
