"""Solvers with a given number of equal steps."""

import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.solvers import solution
from tfflows.solvers.explicit import Explicit


class FixedSteps(Explicit):
    """A solver with so many equal steps between the times that are asked for.

    Args:
      num_steps: int, from the start to the end, or from each of the `times` to the next.
    """

    def __init__(self, num_steps):
        check_integer(num_steps=num_steps)
        self.num_steps = num_steps

    def __str__(self):
        return f"{type(self).__name__}(num_steps={self.num_steps})"

    def _begun(self, f, start, end, y):
        return tf.constant(0), tf.constant(solution.DONE)

    def _between(self, f, start, end, y, state):
        h = (end - start) / self.num_steps

        def body(i, y):
            return i + 1, self.tableau.step(f, start + tf.cast(i, h.dtype) * h, y, h)[0]

        _, y = tf.while_loop(lambda i, _: i < self.num_steps, body, (0, y), maximum_iterations=self.num_steps)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(each)) for each in tf.nest.flatten(y)])
        return y, end, (state[0] + self.num_steps, tf.where(finite, state[1], solution.NOT_FINITE))

    def _counted(self, state):
        steps, status = state
        return steps, tf.constant(0), steps * self.tableau.stages, status
