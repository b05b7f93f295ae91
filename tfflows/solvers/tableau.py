"""Explicit Runge-Kutta methods as tables of coefficients, and one step of them."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Tableau:
    """A Butcher tableau of `s` stages: `k_i = f(t + c_i h, y + h sum_j a_ij k_j)`, `y' = y + h sum_i b_i k_i`.

    Attributes:
      a: rows of the strictly lower triangle, for the stages after the first.
      b: weights of the stages.
      c: times of the stages.
      order: of the error: `y'` is off by `O(h^(order + 1))`.
      error: weights whose sum over the stages, times `h`, estimates the error; `None` without an embedded method.
    """

    a: tuple
    b: tuple
    c: tuple
    order: int
    error: tuple | None = None

    @property
    def stages(self):
        """Number of stages."""
        return len(self.b)

    def step(self, f, t, y, h, first=None):
        """One step.

        Args:
          f: function of time and state, gives the derivative, structured as the state.
          t, h: scalar `Tensor`s.
          y: structure of `Tensor`s.
          first: `f(t, y)`, where it is known.

        Returns:
          `(y', error, last)`: the state at `t + h`, the estimate of its error, structured alike (`None` without), and
          the last stage.
        """
        slopes = [f(t, y) if first is None else first]
        for row, c in zip(self.a, self.c[1:], strict=True):
            slopes.append(f(t + c * h, _moved(y, h, row, slopes)))
        error = None if self.error is None else _moved(None, h, self.error, slopes)
        return _moved(y, h, self.b, slopes), error, slopes[-1]


def _moved(y, h, weights, slopes):
    """`y + h sum_i w_i k_i`, without `y` where it is `None`."""
    used = [(w, k) for w, k in zip(weights, slopes, strict=True) if w]

    def change(*slopes):
        return h * tf.add_n([w * k for (w, _), k in zip(used, slopes, strict=True)])

    moved = tf.nest.map_structure(change, *(k for _, k in used))
    return moved if y is None else tf.nest.map_structure(tf.add, y, moved)
