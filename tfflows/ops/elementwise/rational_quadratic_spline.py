"""Monotone rational-quadratic splines, the map of neural spline flows."""

import dataclasses
import math

import numpy as np
import scipy.special
import tensorflow as tf

from tfflows import arguments
from tfflows.ops.elementwise.affine import Affine, Shift
from tfflows.ops.elementwise.elementwise_map import ElementwiseMap

_SPREAD = 1.5  # of 1, 1.25 and 1.5 the only one that is no worse on a checkerboard than even knots
_LARGEST_SLOPE = 1e3  # about: a larger one could not be resolved in float32, and its square not be formed


@dataclasses.dataclass(frozen=True)
class RationalQuadraticSpline(ElementwiseMap):
    """A monotone spline of rational quadratics on `[-box, box]`, and its continuation to all reals.

    In the bin between the knots `(u_k, v_k)` and `(u_{k+1}, v_{k+1})`, of slopes `d_k` and `d_{k+1}` there, with
    `w = u_{k+1} - u_k`, `h = v_{k+1} - v_k`, `s = h / w` and `t = (x - u_k) / w`:

    * forward: `y = v_k + h (s t^2 + d_k t (1 - t)) / p(t)`, `p(t) = s + (d_{k+1} + d_k - 2 s) t (1 - t)`
    * log-derivative: `log(s^2 (d_{k+1} t^2 + 2 s t (1 - t) + d_k (1 - t)^2)) - 2 log p(t)`
    * inverse: the root in `[0, 1]` of the quadratic in `t` that the first line is.

    Outside the box `y = x` (linear tails; the slopes at both ends are 1); with `circular=True` both ends share a
    learned slope and the spline repeats itself, `f(x + 2 box) = f(x) + 2 box`, a smooth bijection of the circle.

    With `affine=True` the spline is one of `(x - shift) exp(-log_scale)`, the inverse of `Affine`, so that the tails
    move and stretch with the parameters too: what heavy or shifting tails need. A circle cannot be stretched: there it
    is one of `x - shift`, turned.

    Parameters, one after another: the raw widths and heights of the bins, the raw slopes at the knots inside (and where
    a circle closes), then, with `affine`, shift and raw log-scale: `3 bins - 1` of them, two more with `affine`; on a
    circle `3 bins`, one more. Parameters of 0 give the identity. Data should be standardised to the box.

    A bin is selected by multiplying with ones and zeros and summing over the bins, which stand on the first axis: on a
    CPU faster than gathering, whose gradient is a scatter.

    Args:
      bins: int, at least 2.
      box: float, half of the side of the box.
      circular: bool, whether the ends of the box are one point. A network should then be periodic in what it sees, of
        its sines and cosines for example.
      affine: bool, whether shift and scale are parameters too; of a circle the shift.
      minimal_width, minimal_height: floats, of a bin, as fractions of the box's side; below `1 / bins`.
      minimal_slope: float, of the slope at a knot; between 0 and 1. The largest slope is about 1000.

    Raises:
      ValueError: fewer than 2 bins, a box that is not positive, minimal sizes out of range.

    References:
      Gregory, Delbourgo. Piecewise rational quadratic interpolation to monotonic data. IMA Journal of Numerical
      Analysis, 1982.
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032, section 3.1.
      Rezende et al. Normalizing flows on tori and spheres. ICML 2020, arXiv 2002.02428 (circular splines).
    """

    bins: int = 8
    box: float = 5.0
    circular: bool = False
    affine: bool = False
    minimal_width: float = 1e-3
    minimal_height: float = 1e-3
    minimal_slope: float = 1e-3

    def __post_init__(self):
        arguments.check_integer(least=2, bins=self.bins)
        arguments.check_positive(box=self.box)
        for name in ("minimal_width", "minimal_height"):
            size, most = getattr(self, name), 1.0 / self.bins
            if not _between(size, 0.0, most):
                raise ValueError(f"`{name}` must be above 0 and below 1 / bins = {most:.4g}. Received: {size!r}")
        if not _between(self.minimal_slope, 0.0, 1.0):
            raise ValueError(f"`minimal_slope` must be above 0 and below 1. Received: {self.minimal_slope!r}")

    @property
    def num_parameters(self):
        return self._num_of_spline + (self._before.num_parameters if self.affine else 0)

    @property
    def _num_of_spline(self):
        return 3 * self.bins - (0 if self.circular else 1)

    @property
    def _before(self):
        return Shift() if self.circular else Affine()

    def normal_knots(self):
        """Parameters of the identity whose knots are closest where a standard normal is densest, a tuple of floats.

        The knots stand at the quantiles `j / bins` of a normal of standard deviation 1.5, cut off at the box.
        Parameters of 0 have them evenly spaced, so that of 8 bins on [-5, 5] no more than 4 take part in what is
        standardised. On a circle, where no place is denser, all are 0.
        """
        raw = np.zeros(self.num_parameters)
        if not self.circular:
            share = np.linspace(*scipy.special.ndtr([-self.box / _SPREAD, self.box / _SPREAD]), self.bins + 1)
            knots = _SPREAD * scipy.special.ndtri(share[1:-1])
            lengths = np.diff([-self.box, *knots, self.box])
            least = max(self.minimal_width, self.minimal_height)
            lengths = least + (1.0 - self.bins * least) * lengths / (2.0 * self.box)
            for i, minimal in enumerate((self.minimal_width, self.minimal_height)):
                raw[i * self.bins : (i + 1) * self.bins] = np.log(lengths - minimal)
        return tuple(raw.round(7).tolist())

    def forward(self, x, *raw):
        if not self.affine:
            return self._forward(x, raw)
        x, log_scale = self._before.inverse(x, *raw[self._num_of_spline :])
        y, log_slope = self._forward(x, raw[: self._num_of_spline])
        return y, log_slope + log_scale

    def inverse(self, y, *raw):
        if not self.affine:
            return self._inverse(y, raw)
        x, log_slope = self._inverse(y, raw[: self._num_of_spline])
        x, log_scale = self._before.forward(x, *raw[self._num_of_spline :])
        return x, log_slope + log_scale

    def _forward(self, x, raw):
        inside, x_in, whole_turns = self._placed(x)
        left, width, bottom, height, first, last, sum_w, sum_h = self._bin(x_in, raw, given="x")
        s = height * sum_w / (width * sum_h)
        t = ((x_in + self.box) * sum_w / (2.0 * self.box) - left) / width
        p = s + (last + first - 2.0 * s) * t * (1.0 - t)
        y = (bottom + height * t * (s * t + first * (1.0 - t)) / p) * (2.0 * self.box / sum_h) - self.box
        return self._continued(inside, y, x, whole_turns, _log_slope(s, t, first, last, p))

    def _inverse(self, y, raw):
        inside, y_in, whole_turns = self._placed(y)
        left, width, bottom, height, first, last, sum_w, sum_h = self._bin(y_in, raw, given="y")
        s = height * sum_w / (width * sum_h)
        r = ((y_in + self.box) * sum_h / (2.0 * self.box) - bottom) / height
        excess = last + first - 2.0 * s
        # a t^2 + b t - s r = 0; of the two forms of its root, the one that does not cancel.
        a, b = s - first + r * excess, first - r * excess
        root = tf.abs(b) + tf.sqrt(tf.maximum(b * b + 4.0 * a * s * r, 0.0))
        rising, falling = b >= 0.0, b < 0.0
        t = tf.where(rising, 2.0 * s * r / tf.where(rising, root, 1.0), root / tf.where(falling, 2.0 * a, 1.0))
        x = (left + width * t) * (2.0 * self.box / sum_w) - self.box
        p = s + excess * t * (1.0 - t)
        return self._continued(inside, x, y, whole_turns, -_log_slope(s, t, first, last, p))

    def _placed(self, x):
        """Whether `x` is in the box, `x` moved into it, and by how much it was moved round the circle."""
        if self.circular:
            side = 2.0 * self.box
            turns = side * tf.stop_gradient(tf.floor((x + self.box) / side))
            return None, tf.clip_by_value(x - turns, -self.box, self.box), turns
        return tf.abs(x) < self.box, tf.clip_by_value(x, -self.box, self.box), None

    def _continued(self, inside, y, x, whole_turns, log_slope):
        if self.circular:
            return y + whole_turns, log_slope
        return tf.where(inside, y, x), tf.where(inside, log_slope, 0.0)

    def _bin(self, x, raw, *, given):
        """Of the bin of each `x` (or `y`): left end, width, bottom, height, its two slopes; and the whole box's side.

        Lengths along either axis are in units of their own, in which the side of the box is the last two.
        """
        k = self.bins
        widths, sum_w = _lengths(raw[:k], self.minimal_width)
        heights, sum_h = _lengths(raw[k : 2 * k], self.minimal_height)
        searched, total = (widths, sum_w) if given == "x" else (heights, sum_h)
        place = tf.stop_gradient((x + self.box) * total / (2.0 * self.box))
        searched = tf.unstack(tf.stop_gradient(searched))
        knots = [searched[0]]
        for length in searched[1:-1]:
            knots.append(knots[-1] + length)
        passed = tf.cast(place >= tf.stack(knots), x.dtype)  # of the knots inside
        here = tf.concat([tf.ones_like(passed[:1]), passed], 0) - tf.concat([passed, tf.zeros_like(passed[:1])], 0)
        slopes = tf.stack(raw[2 * k :])
        if self.circular:
            ends = slopes * here, tf.concat([slopes[1:], slopes[:1]], 0) * here
        else:
            ends = slopes * here[1:], slopes * here[:-1]
        return (
            tf.reduce_sum(widths[:-1] * passed, 0),
            tf.reduce_sum(widths * here, 0),
            tf.reduce_sum(heights[:-1] * passed, 0),
            tf.reduce_sum(heights * here, 0),
            *(self._slope(tf.reduce_sum(end, 0)) for end in ends),
            sum_w,
            sum_h,
        )

    def _slope(self, raw):
        raw = tf.minimum(raw, _LARGEST_SLOPE)
        return self.minimal_slope + tf.nn.softplus(raw + math.log(math.expm1(1.0 - self.minimal_slope)))


def _lengths(raw, minimal):
    """Lengths of the bins, `[bins, ...]`, proportional to `minimal + (1 - bins * minimal) * softmax(raw)`, and sum."""
    raw, free = tf.stack(raw), 1.0 - len(raw) * minimal
    weights = tf.exp(raw - tf.stop_gradient(tf.reduce_max(raw, 0)))
    total = tf.reduce_sum(weights, 0)
    return weights + total * (minimal / free), total / free


def _log_slope(s, t, first, last, p):
    rest = 1.0 - t
    return tf.math.log(s * s * (last * t * t + 2.0 * s * t * rest + first * rest * rest)) - 2.0 * tf.math.log(p)


def _between(value, low, high):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low < value < high
