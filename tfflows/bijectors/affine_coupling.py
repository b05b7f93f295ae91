"""Masked affine coupling."""

import tensorflow as tf

from tfflows.bijectors.coupling import Coupling
from tfflows.ops import numerics


class AffineCoupling(Coupling):
    """Masked affine coupling of RealNVP, with an injected conditioner.

    With the mask `m` (1 = copied), `shift, raw = conditioner(m * x, context)` and `log_scale = bound(raw)`:

    * forward: `y = m * x + (1 - m) * (x * exp(log_scale) + shift)`
    * inverse: `x = m * y + (1 - m) * (y - shift) * exp(-log_scale)`
    * forward log-det: `sum((1 - m) * log_scale)`

    The paper writes the map from data to latent as the forward one (Dinh et al. 2017, equations 7 to 9).

    `event_ndims`: the rank of the mask. Cost: one conditioner pass in each direction.

    The log-scale is bounded by default, `3 tanh(raw / 3)`: unbounded, an input of 1e3 may overflow float32.
    `benchmarks/log_scale_bounds.py` measures the named choices.

    Args:
      mask: array of 0/1 over the whole event, e.g. `ops.masks.half(4)`.
      conditioner: Keras layer returning `2 k` values on its last axis for `k` transformed entries (see `Coupling`),
        shifts first. Built here if it is not yet.
      log_scale_bound: name of a bound, see `ops.numerics.log_scale_bound`.
      name: str.

    Raises:
      ValueError: a mask of another shape than the event, all ones or all zeros; an unknown bound; a conditioner
        output of the wrong size.
      TypeError: events not in float32 or float64.

    Example:

    >>> import numpy as np, tensorflow as tf
    >>> from tfflows.bijectors import AffineCoupling
    >>> from tfflows.networks import MLP
    >>> coupling = AffineCoupling([1, 1, 0, 0], MLP(4, hidden_units=(32,)))
    >>> y = coupling.forward(tf.ones([8, 4]))
    >>> coupling.inverse_log_det_jacobian(y).shape.as_list()
    [8]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    num_parameters = 2

    def __init__(self, mask, conditioner, *, log_scale_bound="tanh", name="affine_coupling"):
        parameters = dict(locals())
        self._bound = numerics.log_scale_bound(log_scale_bound)
        super().__init__(mask, conditioner, parameters=parameters, name=name)

    def transform(self, b, shift, raw):
        log_scale = self._bound(raw)
        return b * tf.exp(log_scale) + shift, log_scale

    def inverse_transform(self, b, shift, raw):
        log_scale = self._bound(raw)
        return (b - shift) * tf.exp(-log_scale), -log_scale
