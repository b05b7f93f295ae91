"""The base of the solvers: what they are asked, and that their answer is one of the initial state's structure."""

import abc

import numpy as np
import tensorflow as tf

from tfflows.solvers.solution import Solution


class Explicit(abc.ABC):
    """An explicit Runge-Kutta solver of `dy/dt = f(t, y)`, `y(t_0) = y_0`.

    A subclass has a `tableau`, and `_between(f, t, end, y, state)` which goes from one time to another.
    """

    tableau = None

    def solve(self, f, start, end, y, *, times=None):
        """The solution from one time to another, forward or backward.

        It is one loop, compiled with a `tf.function` around, with or without XLA, for batches of unknown size, and
        gradients go through it.

        Args:
          f: function `(t, y)` of a scalar and a structure as `y`, gives one as `y`.
          start, end: scalars, in time; `start` other than `end`.
          y: structure of floating `Tensor`s of one dtype: the state at `start`. The first axis is that of examples.
          times: `[k]`, in order from `start` to `end`, both allowed: where the states are wanted. Steps end there:
            nothing is interpolated.

        Returns:
          `Solution`.

        Raises:
          ValueError: a derivative of another structure or shape, times out of order, states of several dtypes.
        """
        y = tf.nest.map_structure(tf.convert_to_tensor, y)
        dtype = _dtype_of(y)
        start, end = tf.convert_to_tensor(start, dtype), tf.convert_to_tensor(end, dtype)
        f = _checked(f, y)
        if times is None:
            y, t, state = self._between(f, start, end, y, self._begun(f, start, end, y))
            return Solution(y, t, *self._counted(state), str(self))
        times = tf.convert_to_tensor(times, dtype)
        _check_times(times, start, end)
        count = tf.shape(times)[0] if times.shape[0] is None else times.shape[0]
        kept = tf.nest.map_structure(
            lambda each: tf.TensorArray(dtype, size=count, element_shape=each.shape, clear_after_read=False), y
        )

        def body(i, t, y, state, kept):
            y, t, state = self._between(f, t, times[i], y, state)
            return i + 1, t, y, state, tf.nest.map_structure(lambda to, each: to.write(i, each), kept, y)

        begun = self._begun(f, start, end, y)
        _, t, y, state, kept = tf.while_loop(
            lambda i, *_: i < count, body, (0, start, y, begun, kept), maximum_iterations=count
        )
        states = tf.nest.map_structure(lambda each: each.stack(), kept)
        return Solution(states, t, *self._counted(state), str(self))

    @abc.abstractmethod
    def _begun(self, f, start, end, y):
        """What is carried from step to step besides time and state, at the start."""

    @abc.abstractmethod
    def _between(self, f, start, end, y, state):
        """`(y, t, state)` at the end, or where it failed."""

    @abc.abstractmethod
    def _counted(self, state):
        """Steps, rejected steps, evaluations and status."""


def _dtype_of(y):
    found = {each.dtype for each in tf.nest.flatten(y)}
    if len(found) != 1 or not next(iter(found)).is_floating:
        raise ValueError(f"States must be floating, of one dtype. Received: {sorted(each.name for each in found)}")
    return found.pop()


def _checked(f, y):
    """The function, whose answers have the structure and the shapes of the state."""

    def checked(t, state):
        slope = f(t, state)
        try:
            tf.nest.assert_same_structure(y, slope)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The derivative must be structured as the state. Received: {slope}") from error
        for each, of in zip(tf.nest.flatten(slope), tf.nest.flatten(y), strict=True):
            if not each.shape.is_compatible_with(of.shape):
                raise ValueError(f"The derivative of a state of shape {of.shape} must be so. Received: {each.shape}")
        return tf.nest.map_structure(lambda each, of: tf.ensure_shape(each, of.shape), slope, y)

    return checked


def _check_times(times, start, end):
    known = [tf.get_static_value(each) for each in (times, start, end)]
    if times.shape.rank != 1 or any(each is None for each in known):
        if times.shape.rank != 1:
            raise ValueError(f"`times` must be a vector. Received: shape {times.shape}")
        return
    way = np.concatenate([[known[1]], known[0], [known[2]]]) * np.sign(known[2] - known[1])
    if (np.diff(way) < 0).any():
        raise ValueError(f"`times` must go from {known[1]} to {known[2]}. Received: {known[0].tolist()}")
