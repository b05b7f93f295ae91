"""Couplings: part of an event is copied and gives the parameters of an elementwise map of the rest."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import masks, shapes
from tfflows.ops.elementwise import Affine, Invert, RationalQuadraticSpline, Shift
from tfflows.ops.elementwise.elementwise_map import check_map


class Coupling(KerasBijector):
    """Part of the event is copied and conditions an elementwise map of the rest.

    With `a` the entries where the mask is 1 and `b` those where it is 0:

    * forward: `a' = a`, `b' = map.forward(b; conditioner(a, context))`
    * inverse: `a = a'`, `b = map.inverse(b'; conditioner(a, context))`: the conditioner is never inverted
    * log-det: the sum of the elementwise log-derivatives, Jacobian triangular.

    `event_ndims`: the rank of the mask. Cost: one conditioner pass in each direction.

    If the mask depends on the last axis only (every vector event; channel masks of images) the conditioner receives the
    copied entries alone, shape `[..., n - k]`, and returns `map.num_parameters * k` values on the last axis for the `k`
    others, parameter by parameter. Otherwise (a checkerboard) it receives the whole event times the mask and returns
    `map.num_parameters * n`.

    Args:
      mask: array of 0/1 over the whole event, e.g. `ops.masks.half(4)`; 1 = copied.
      conditioner: Keras layer, called as `conditioner(a)`, or `conditioner([a, context])` when a context is given.
        Built here if it is not yet.
      map: `ops.elementwise.ElementwiseMap`, in the direction from latent to data; one that the paper writes the other
        way round, such as a spline, goes in as `ops.elementwise.Invert(spline)`.
      parameters: a subclass constructor's arguments.

    Raises:
      ValueError: a mask that is all ones or all zeros; a conditioner output of the wrong size.
      TypeError: a `map` of another kind.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import AdditiveCoupling, AffineCoupling, Coupling, SplineCoupling
    >>> from tfflows.networks import MLP
    >>> from tfflows.ops import elementwise
    >>> coupling = Coupling([1, 0], MLP(2, hidden_units=(32,)), elementwise.GatedAffine())
    >>> named = [AffineCoupling([1, 0], MLP(2)), AdditiveCoupling([1, 0], MLP(1))]
    >>> named.append(SplineCoupling([1, 0], MLP(11), bins=4))
    >>> [each.forward(tf.ones([8, 2])).shape.as_list() for each in (coupling, *named)]
    [[8, 2], [8, 2], [8, 2], [8, 2]]
    """

    def __init__(self, mask, conditioner, map, *, parameters=None, name="coupling"):
        parameters = parameters or {"mask": mask, "conditioner": conditioner, "map": map, "name": name}
        check_map(map)
        mask = masks.checked(mask)
        super().__init__(forward_min_event_ndims=mask.ndim, event_shape=mask.shape, parameters=parameters, name=name)
        rows = mask.reshape(-1, mask.shape[-1])
        self._splits_last_axis = bool((rows == rows[0]).all())
        self._mask, self.map = mask, map
        self._num_copied = int(rows[0].sum())
        self._copied_last = not rows[0][: -self._num_copied].any()  # needs no permutation, as those copied first
        self._order = np.argsort(~rows[0], kind="stable")
        seen = (*mask.shape[:-1], self._num_copied) if self._splits_last_axis else mask.shape
        self.conditioner = self.track_layer(conditioning.built(conditioner, seen))

    @property
    def mask(self):
        """Boolean array over the event: True = copied."""
        return self._mask.copy()

    def forward_and_log_det(self, x, context=None):
        return self._apply(self.map.forward, x, context)

    def inverse_and_log_det(self, y, context=None):
        return self._apply(self.map.inverse, y, context)

    def _apply(self, function, x, context):
        size = self._mask.shape[-1]
        if self._splits_last_axis:
            a, b = self._split(x)
            b, log_derivative = function(b, *conditioning.parameters(self, a, context, size - self._num_copied))
            return self._merge(a, b), shapes.sum_event(log_derivative, self.forward_min_event_ndims)
        keep = tf.constant(self._mask, x.dtype)
        y, log_derivative = function(x, *conditioning.parameters(self, x * keep, context, size))
        y = tf.where(self._mask, x, y)
        return y, shapes.sum_event(log_derivative * (1.0 - keep), self.forward_min_event_ndims)

    @property
    def adapted(self):
        """Whether the conditioner is, if it has anything to initialise from data."""
        return getattr(self.conditioner, "adapted", True)

    def initialise_from(self, y, context):
        a = self._split(y)[0] if self._splits_last_axis else y * tf.constant(self._mask, y.dtype)
        self.conditioner.adapt(conditioning.inputs(self.conditioner, a, context, event_ndims=self._mask.ndim))

    def _split(self, x):
        copied, rest = self._num_copied, self._mask.shape[-1] - self._num_copied
        if self._copied_last:
            return tf.split(x, [rest, copied], axis=-1)[::-1]
        return tf.split(shapes.permute_last_axis(x, self._order), [copied, rest], axis=-1)

    def _merge(self, a, b):
        if self._copied_last:
            return tf.concat([b, a], axis=-1)
        return shapes.permute_last_axis(tf.concat([a, b], axis=-1), np.argsort(self._order))


class AffineCoupling(Coupling):
    """The coupling of RealNVP: `Coupling(mask, conditioner, Affine(log_scale_bound))`.

    With the mask `m` (1 = copied), `shift, raw = conditioner(m * x, context)` and `log_scale = bound(raw)`:

    * forward: `y = m * x + (1 - m) * (x * exp(log_scale) + shift)`
    * inverse: `x = m * y + (1 - m) * (y - shift) * exp(-log_scale)`
    * forward log-det: `sum((1 - m) * log_scale)`

    The paper writes the map from data to latent as the forward one (equations 7 to 9). For the arguments and what is
    refused, see `Coupling` and `ops.elementwise.Affine`; the conditioner returns all shifts first.

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    def __init__(self, mask, conditioner, *, log_scale_bound="tanh", name="affine_coupling"):
        super().__init__(mask, conditioner, Affine(log_scale_bound), parameters=dict(locals()), name=name)


class AdditiveCoupling(Coupling):
    """The coupling of NICE, which preserves volume: `Coupling(mask, conditioner, Shift())`.

    With the mask `m` (1 = copied) and `shift = conditioner(m * x, context)`:

    * forward: `y = m * x + (1 - m) * (x + shift)`
    * inverse: `x = m * y + (1 - m) * (y - shift)`
    * log-det: 0

    For the arguments and what is refused, see `Coupling`.

    References:
      Dinh, Krueger, Bengio. NICE: non-linear independent components estimation. 2014, arXiv 1410.8516, equation 9.
    """

    def __init__(self, mask, conditioner, *, name="additive_coupling"):
        super().__init__(mask, conditioner, Shift(), parameters=dict(locals()), name=name)


class SplineCoupling(Coupling):
    """The coupling of neural spline flows: `Coupling(mask, conditioner, Invert(RationalQuadraticSpline(**options)))`.

    With the mask `m` (1 = copied), `raw = conditioner(m * x, context)` and `f` the spline with these parameters:

    * inverse: `x = m * y + (1 - m) * f(y; raw)`
    * forward: `y = m * x + (1 - m) * f^-1(x; raw)`, a quadratic equation in each entry
    * inverse log-det: `sum((1 - m) * log f'(y; raw))`

    For the arguments and what is refused, see `Coupling`, and `ops.elementwise.RationalQuadraticSpline` for the
    `options`, whose defaults are the same, and the source.
    """

    def __init__(self, mask, conditioner, *, name="spline_coupling", **options):
        spline = RationalQuadraticSpline(**options)
        parameters = {"mask": mask, "conditioner": conditioner, "name": name, **spline.parameters}
        super().__init__(mask, conditioner, Invert(spline), parameters=parameters, name=name)
