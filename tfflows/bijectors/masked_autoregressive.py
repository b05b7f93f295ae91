"""Masked autoregressive flow."""

import tensorflow as tf

from tfflows.bijectors.autoregressive import Autoregressive
from tfflows.ops import numerics


class MaskedAutoregressive(Autoregressive):
    """Masked autoregressive flow, affine: fast from data to latent, so that densities are.

    With `shift, raw = conditioner(y, context)`, masked, and `log_scale = bound(raw)`:

    * inverse: `x = (y - shift) * exp(-log_scale)`
    * forward: `y_i = x_i * exp(log_scale_i) + shift_i`, entry after entry, as both depend on `y_1 ... y_{i-1}`
    * forward log-det: `sum(log_scale)`

    `event_ndims`: 1. Cost: inverse one conditioner pass; forward `D` steps, one after another (see `Autoregressive`).

    Args:
      conditioner: masked Keras layer returning `2 D` values on its last axis, shifts first, e.g.
        `networks.MADE(D, num_outputs=2)`; see `Autoregressive`.
      log_scale_bound: name of a bound, see `ops.numerics.log_scale_bound`.
      name: str.

    Raises:
      TypeError: a conditioner that is not masked; events not in float32 or float64.
      ValueError: an unknown bound, a conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import MaskedAutoregressive
    >>> from tfflows.networks import MADE
    >>> flow = MaskedAutoregressive(MADE(3, hidden_units=(16,)))
    >>> flow.inverse(tf.ones([8, 3])).shape.as_list()
    [8, 3]

    References:
      Papamakarios, Pavlakou, Murray. Masked autoregressive flow for density estimation. NeurIPS 2017, arXiv
      1705.07057, section 3.1.
    """

    num_parameters = 2
    parallel = "inverse"

    def __init__(self, conditioner, *, log_scale_bound="tanh", name="masked_autoregressive"):
        parameters = dict(locals())
        self._bound = numerics.log_scale_bound(log_scale_bound)
        super().__init__(conditioner, parameters=parameters, name=name)

    def transform(self, x, shift, raw):
        log_scale = self._bound(raw)
        return x * tf.exp(log_scale) + shift, log_scale

    def inverse_transform(self, y, shift, raw):
        log_scale = self._bound(raw)
        return (y - shift) * tf.exp(-log_scale), -log_scale
