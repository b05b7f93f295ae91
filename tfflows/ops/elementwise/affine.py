"""Affine maps: a shift, a shift and a scale, a gate."""

import dataclasses
import math

import tensorflow as tf

from tfflows.ops import numerics
from tfflows.ops.elementwise.elementwise_map import ElementwiseMap

_LIMIT = 3.0  # of the raw gate: one entry is contracted to 0.12 or more at the default bias


@dataclasses.dataclass(frozen=True)
class Shift(ElementwiseMap):
    """A shift, its one parameter: forward `y = x + shift`, inverse `x = y - shift`, log-derivative 0."""

    num_parameters = 1

    def forward(self, x, shift):
        return x + shift, tf.zeros_like(x)

    def inverse(self, y, shift):
        return y - shift, tf.zeros_like(y)


@dataclasses.dataclass(frozen=True)
class Affine(ElementwiseMap):
    """A shift and a positive scale.

    With the parameters `shift` and `raw`, and `log_scale = bound(raw)`:

    * forward: `y = x * exp(log_scale) + shift`, log-derivative `log_scale`
    * inverse: `x = (y - shift) * exp(-log_scale)`, log-derivative `-log_scale`

    The log-scale is bounded by default, `3 tanh(raw / 3)`: unbounded, an input of 1e3 may overflow float32.
    `benchmarks/log_scale_bounds.py` measures the named choices.

    Args:
      log_scale_bound: name of a bound or its limit, see `ops.numerics.log_scale_bound`.

    Raises:
      ValueError: an unknown bound.
    """

    log_scale_bound: str | float = "tanh"

    num_parameters = 2

    def __post_init__(self):
        numerics.log_scale_bound(self.log_scale_bound)

    def log_scale(self, raw):
        """`bound(raw)`."""
        return numerics.log_scale_bound(self.log_scale_bound)(raw)

    def forward(self, x, shift, raw):
        return scaled(x, shift, self.log_scale(raw))

    def inverse(self, y, shift, raw):
        return unscaled(y, shift, self.log_scale(raw))


@dataclasses.dataclass(frozen=True)
class GatedAffine(ElementwiseMap):
    """A contraction towards a shift, whose gate cannot close.

    With the parameters `shift` and `raw`, and `gate = sigmoid(3 tanh(raw / 3) + forget_bias)`:

    * forward: `y = gate * x + (1 - gate) * shift`, log-derivative `log gate`
    * inverse: `x = (y - (1 - gate) * shift) / gate`

    Not the identity where the parameters are 0, but near it: gates of 0.73 with the default bias of 1. (In the paper
    the gate is `sigmoid(raw)`, `raw` of about 1 or 2 at the start; bounded, it cannot close in floating point.)

    Args:
      forget_bias: float, between -5 and 5.

    Raises:
      ValueError: a bias out of range.

    References:
      Kingma et al. Improving variational inference with inverse autoregressive flow. NeurIPS 2016, arXiv 1606.04934.
    """

    forget_bias: float = 1.0

    num_parameters = 2

    def __post_init__(self):
        bias = self.forget_bias
        if not (isinstance(bias, (int, float)) and math.isfinite(bias) and abs(bias) <= 5):
            raise ValueError(f"`forget_bias` must be a number between -5 and 5. Received: {bias!r}")

    def forward(self, x, shift, raw):
        raw = self._bounded(raw)
        return tf.sigmoid(raw) * x + tf.sigmoid(-raw) * shift, tf.math.log_sigmoid(raw)

    def inverse(self, y, shift, raw):
        raw = self._bounded(raw)
        return (y - tf.sigmoid(-raw) * shift) / tf.sigmoid(raw), -tf.math.log_sigmoid(raw)

    def _bounded(self, raw):
        return numerics.bounded(raw, _LIMIT) + float(self.forget_bias)


def scaled(x, shift, log_scale):
    """`x * exp(log_scale) + shift` and its log-derivative."""
    return x * tf.exp(log_scale) + shift, log_scale


def unscaled(y, shift, log_scale):
    """The inverse of `scaled`, and its log-derivative."""
    minus = -log_scale
    return (y - shift) * tf.exp(minus), minus
