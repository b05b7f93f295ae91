"""Discrete data for a continuous density, its likelihood honest."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.joint.configs import ConfiguredLayer
from tfflows.ops import numerics, seeds


class Dequantization(ConfiguredLayer):
    """Base of dequantizations: integers `x` become reals `y = x + u`, `u` in `[0, 1)^D` drawn from `q(u | x)`.

    A density `p` over the reals gives the integers `P(x) = integral of p(x + u) du`, and by Jensen's inequality

        log P(x) >= E_q[log p(x + u) - log q(u | x)]      (nats)

    so the bracket, of one draw, is an estimate of a lower bound of the log-probability of the discrete data. Averaged
    inside the logarithm over several draws (`evaluation.importance_weighted`) the bound rises to `log P(x)`.

    Levels may be reduced first, as Glow does for 5-bit images: `x = floor(x * kept_levels / levels)`; all likelihoods
    are then those of the reduced data. The reals are in units of one reduced level, `[0, kept_levels)`.

    Subclasses write `noise(x, seed)`.

    Args:
      levels: int, the data are integers from 0 to `levels - 1`.
      kept_levels: int, levels that are kept, a divisor of `levels`; `None` for all.
      seed: int or `None`, of the noise when a call gives none.
      **kwargs: of `keras.layers.Layer`.

    Raises:
      ValueError: fewer than 2 levels, or a `kept_levels` that does not divide `levels`.

    References:
      Uria, Murray, Larochelle. RNADE. NeurIPS 2013. Theis, van den Oord, Bethge. A note on the evaluation of generative
      models. ICLR 2016, section 3.1. Ho, Chen, Srinivas, Duan, Abbeel. Flow++. ICML 2019, arXiv 1902.00275, section
      3.1.
    """

    bounds = True
    """Whether the bracket is a bound of `log P(x)`: whether `floor(y)` is `x`."""

    def __init__(self, levels=256, *, kept_levels=None, seed=None, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        check_integer(2, levels=levels)
        kept = levels if kept_levels is None else kept_levels
        if not isinstance(kept, int) or kept < 2 or levels % kept:
            raise ValueError(f"`kept_levels` must divide `levels`, {levels}, into 2 or more. Received: {kept_levels!r}")
        self.levels, self.kept_levels, self.seed = levels, kept, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def noise(self, x, seed):
        """Draws `u` for reduced levels `x` (floating): `(u, log q(u | x))`, nats `[batch]`; seed: a `Tensor` `[2]`."""
        raise NotImplementedError(f"{type(self).__name__} must define noise")

    def call(self, x, seed=None):
        """`(y, log_q)` of integers `x` `[batch, *event_shape]`: reals of that shape and `log q(u | x)`, `[batch]`.

        `seed`: int, or an integer `Tensor` `[2]`, for a draw that can be repeated; `None` for a new one.
        """
        reduced = self.reduced(x)
        u, log_q = self.noise(reduced, seeds.stateless(self.seed_generator if seed is None else seed))
        return self.with_noise(reduced, u), log_q

    def with_noise(self, level, u):
        """The reals of reduced levels and their noise."""
        return numerics.below_next_integer(level, u)

    def reduced(self, x):
        """The level of each integer, reduced: floating `[batch, *event_shape]`."""
        step = self.levels // self.kept_levels
        return tf.cast(tf.cast(x, tf.int32) // step if step > 1 else x, self.compute_dtype)

    def quantized(self, y):
        """Integers from reals, in the units of the data (a reduced level is its smallest integer)."""
        level = tf.clip_by_value(tf.floor(y), 0, self.kept_levels - 1)
        return tf.cast(level * (self.levels // self.kept_levels), tf.uint8 if self.levels <= 256 else tf.int32)

    def check(self, x, *, what="x"):
        """Refuses an array that is not integers from 0 to `levels - 1`.

        Raises:
          TypeError: not an integer dtype.
          ValueError: integers out of range: how many, and where the first is.
        """
        x, wanted = np.asarray(x), f"`{what}` must hold integers from 0 to {self.levels - 1}"
        if x.dtype.kind not in "iu":
            raise TypeError(f"{wanted}, not yet dequantized or scaled. Received: dtype {x.dtype}")
        bad = (x < 0) | (x >= self.levels)
        if bad.any():
            first = tuple(np.argwhere(bad)[0].tolist())
            raise ValueError(f"{wanted}. Received: {bad.sum()} others, the first {x[first]} at index {first}")

    def compute_output_shape(self, input_shape):
        return tuple(input_shape), (input_shape[0],)


@keras.saving.register_keras_serializable("tfflows")
class UniformDequantization(Dequantization):
    """`u ~ U[0, 1)^D`, so `log q = 0`.

    Args, call arguments, returns, raises: see `Dequantization`.

    Example:

    >>> import numpy as np
    >>> from tfflows.layers import UniformDequantization
    >>> y, log_q = UniformDequantization(256)(np.array([[0, 255]], "uint8"), seed=0)
    >>> np.floor(y).tolist(), log_q.numpy().tolist()
    ([[0.0, 255.0]], [0.0])
    """

    def __init__(self, levels=256, **kwargs):
        super().__init__(levels, **kwargs)
        self.built = True

    def noise(self, x, seed):
        return tf.random.stateless_uniform(tf.shape(x), seed, dtype=x.dtype), tf.zeros(tf.shape(x)[:1], x.dtype)
