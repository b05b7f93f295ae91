"""Solvers that choose their steps by an estimate of the error."""

import typing

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer, check_positive
from tfflows.solvers import solution
from tfflows.solvers.explicit import Explicit

_SAFETY, _LEAST, _MOST = 0.9, 0.2, 10.0  # of the step that the estimate asks for; how much one differs from the last
_INTEGRAL, _PROPORTIONAL = 0.7, 0.4  # gains, over the order


class _Progress(typing.NamedTuple):
    """What goes from step to step: the slope at the state, the next step, the last error, and what was counted."""

    slope: object
    h: tf.Tensor
    error: tf.Tensor
    status: tf.Tensor
    steps: tf.Tensor
    rejected: tf.Tensor


class Adaptive(Explicit):
    """A solver with an embedded method, whose steps are as long as the tolerance allows.

    The last stage of its `tableau` is the first one of the next step.

    A step is accepted if `rms(error / (atol + rtol max(|y|, |y'|))) <= 1` for each example, the mean over the entries
    of all parts of its state; a part without further axes than that of the examples is a single entry. A PI controller
    makes the next one `0.9 e^(-0.7 / p) e_before^(0.4 / p)` times as long, between 0.2 and 10 times, `p` the order.

    Args:
      rtol, atol: floats > 0, relative and absolute tolerance.
      first_step: float > 0; `None` for one from the derivative and its change (Hairer's algorithm).
      max_steps: int, accepted and rejected ones together, between the times that are asked for.

    References:
      Hairer, Nørsett, Wanner. Solving ordinary differential equations I. 1993, sections II.4 and IV.2.
    """

    def __init__(self, rtol=1e-5, atol=1e-5, *, first_step=None, max_steps=1000):
        check_positive(rtol=rtol, atol=atol, **({} if first_step is None else {"first_step": first_step}))
        check_integer(max_steps=max_steps)
        self.rtol, self.atol, self.first_step, self.max_steps = rtol, atol, first_step, max_steps

    def __str__(self):
        return f"{type(self).__name__}(rtol={self.rtol:g}, atol={self.atol:g}, max_steps={self.max_steps})"

    def _begun(self, f, start, end, y):
        slope, given = f(start, y), self.first_step
        h = self._guess(f, start, end, y, slope) if given is None else tf.cast(given, start.dtype)
        h = tf.sign(end - start) * tf.minimum(h, tf.abs(end - start))
        return _Progress(slope, h, tf.ones_like(h), *map(tf.constant, (solution.DONE, 0, 0)))

    def _guess(self, f, t, end, y, first):
        """A first step, positive: by the size of state and derivative, then by that of the second derivative."""
        size, slope = self._norm(y, y, y), self._norm(first, y, y)
        small = (size < 1e-5) | (slope < 1e-5)
        h = tf.minimum(tf.where(small, tf.cast(1e-6, t.dtype), 0.01 * size / slope), tf.abs(end - t))
        ahead = tf.nest.map_structure(lambda each, k: each + tf.sign(end - t) * h * k, y, first)
        change = tf.nest.map_structure(lambda a, b: a - b, f(t + tf.sign(end - t) * h, ahead), first)
        second = self._norm(change, y, y) / h
        largest = tf.maximum(slope, second)
        next_h = tf.where(
            largest < 1e-15, tf.maximum(tf.cast(1e-6, t.dtype), 1e-3 * h), (0.01 / largest) ** (1 / self.tableau.order)
        )
        return tf.minimum(100 * h, next_h)

    def _norm(self, values, y, other):
        """The largest root mean square of an example, in units of its tolerance."""
        total, count = 0.0, 0.0
        for value, a, b in zip(*map(tf.nest.flatten, (values, y, other)), strict=True):
            scaled = value / (self.atol + self.rtol * tf.maximum(tf.abs(a), tf.abs(b)))
            axes = list(range(1, scaled.shape.rank))
            total += tf.reduce_sum(scaled**2, axis=axes)
            count += tf.cast(tf.reduce_prod(tf.shape(scaled)[1:]), scaled.dtype)
        return tf.sqrt(tf.reduce_max(total / count))

    def _between(self, f, start, end, y, state):
        order, sign = self.tableau.order, tf.sign(end - start)
        close = 4 * np.finfo(start.dtype.as_numpy_dtype).eps

        def unfinished(tries, t, y, state):
            return (sign * (end - t) > 0) & (state.status == solution.DONE)

        def body(tries, t, y, state):
            rest = end - t
            last = tf.abs(state.h) >= tf.abs(rest) * (1 - close)
            step = tf.where(last, rest, state.h)
            after, error, slope = self.tableau.step(f, t, y, step, state.slope)
            e = self._norm(error, y, after)
            finite, accepted = tf.math.is_finite(e), e <= 1
            bounded = tf.maximum(e, 1e-10)
            factor = _SAFETY * bounded ** (-_INTEGRAL / order) * state.error ** (_PROPORTIONAL / order)
            factor = tf.where(accepted, factor, tf.minimum(_SAFETY * bounded ** (-1 / order), 1.0))
            factor = tf.where(finite, tf.clip_by_value(factor, _LEAST, _MOST), _LEAST)
            h = step * factor
            h = tf.where(accepted & last & (tf.abs(state.h) > tf.abs(h)), state.h, h)  # cut off at the end
            y, slope = (
                tf.nest.map_structure(lambda new, old: tf.where(accepted, new, old), new, old)
                for new, old in ((after, y), (slope, state.slope))
            )
            moved = tf.where(last, end, t + step)
            stuck = ~accepted & (tf.abs(h) <= close * tf.abs(t))
            status = tf.where(stuck, solution.STEP_TOO_SMALL, solution.DONE)
            status = tf.where(~finite & (stuck | (tf.abs(h) <= close)), solution.NOT_FINITE, status)
            over = (tries + 1 >= self.max_steps) & ~(accepted & last)
            status = tf.where((status == solution.DONE) & over, solution.TOO_MANY_STEPS, status)
            taken = tf.cast(accepted, tf.int32)
            e = tf.where(accepted, tf.maximum(e, 1e-4), state.error)
            state = _Progress(slope, h, e, status, state.steps + taken, state.rejected + 1 - taken)
            return tries + 1, tf.where(accepted, moved, t), y, state

        _, t, y, state = tf.while_loop(
            unfinished, body, (0, start, y, state), maximum_iterations=self.max_steps, parallel_iterations=1
        )
        return y, t, state

    def _counted(self, state):
        before = 2 if self.first_step is None else 1
        evaluations = before + (self.tableau.stages - 1) * (state.steps + state.rejected)
        return state.steps, state.rejected, evaluations, state.status
