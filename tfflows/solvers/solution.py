"""What a solver found, and the words for what it did not."""

import typing

import tensorflow as tf

DONE, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = range(4)
_REASONS = {
    TOO_MANY_STEPS: "as many steps as are allowed end before the last time",
    STEP_TOO_SMALL: "a step would be too short to move the time",
    NOT_FINITE: "the derivative is not finite",
}


class Solution(typing.NamedTuple):
    """States of a differential equation and what they cost; a failure is a value.

    Attributes:
      states: structure of the initial state; `[len(times), ...]` where times were asked for, else that of the last one.
        After a failure those that were not reached are those of the last time that was.
      time: scalar, the time reached.
      num_steps: int32 scalar, of accepted steps.
      num_rejected: int32 scalar, of steps that were tried again, shorter.
      num_evaluations: int32 scalar, of the derivative.
      status: int32 scalar, 0 of success.
      solver: text that names the solver and its options.
    """

    states: object
    time: tf.Tensor
    num_steps: tf.Tensor
    num_rejected: tf.Tensor
    num_evaluations: tf.Tensor
    status: tf.Tensor
    solver: str

    @property
    def failed(self):
        """Bool scalar."""
        return self.status != DONE

    def checked(self):
        """The states, if there was no failure; in a graph an assertion, which XLA leaves out.

        Raises:
          ValueError: eagerly, a failure: solver, reason, time and steps.
          InvalidArgumentError: in a graph.
        """
        if tf.executing_eagerly():
            if self.failed:
                raise ValueError(f"{self.reason()}; time {float(self.time):.6g} was reached")
            return self.states
        told = [f"{self.solver} failed (1: steps, 2: step size, 3: not finite):", self.status, self.time]
        with tf.control_dependencies([tf.debugging.Assert(~self.failed, told)]):
            return tf.nest.map_structure(tf.identity, self.states)

    def reason(self):
        """In words, eagerly."""
        status = int(self.status)
        if status == DONE:
            return f"{self.solver}: done"
        tried = f"{int(self.num_steps)} steps, {int(self.num_rejected)} rejected"
        return f"{self.solver} failed: {_REASONS[status]} ({tried})"
