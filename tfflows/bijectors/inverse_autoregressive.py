"""Inverse autoregressive flow."""

import math

import tensorflow as tf

from tfflows.bijectors.autoregressive import Autoregressive
from tfflows.ops import numerics

_LIMIT = 3.0  # of the raw gate: one entry is contracted to 0.12 or more at the default bias


class InverseAutoregressive(Autoregressive):
    """Inverse autoregressive flow with the gated update of its paper: fast from latent to data.

    With `shift, raw = conditioner(x, context)`, masked, and `gate = sigmoid(3 tanh(raw / 3) + forget_bias)`:

    * forward: `y = gate * x + (1 - gate) * shift`
    * inverse: `x_i = (y_i - (1 - gate_i) shift_i) / gate_i`, entry after entry, as both depend on `x_1 ... x_{i-1}`
    * forward log-det: `sum(log gate)`

    The bias lets it start near the identity: gates of 0.73 with the default of 1. (In the paper the gate is
    `sigmoid(raw)`, `raw` of about 1 or 2 at the start; bounded, it cannot close in floating point.)

    `event_ndims`: 1. Cost: forward one conditioner pass; inverse `D` steps, one after another (see `Autoregressive`).

    Compositions should change the order of the conditioners, e.g. `MADE(..., order="reversed")` in every other one.

    Args:
      conditioner: masked Keras layer returning `2 D` values on its last axis, shifts first, e.g.
        `networks.MADE(D, num_outputs=2)`; see `Autoregressive`.
      forget_bias: float, between -5 and 5.
      name: str.

    Raises:
      TypeError: a conditioner that is not masked; events not in float32 or float64.
      ValueError: a bias out of range, a conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import InverseAutoregressive
    >>> from tfflows.networks import MADE
    >>> flow = InverseAutoregressive(MADE(3, hidden_units=(16,), context_size=5))
    >>> flow.forward(tf.ones([8, 3]), context=tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934, algorithm 1.
    """

    num_parameters = 2

    def __init__(self, conditioner, *, forget_bias=1.0, name="inverse_autoregressive"):
        parameters = dict(locals())
        if not (isinstance(forget_bias, (int, float)) and math.isfinite(forget_bias) and abs(forget_bias) <= 5):
            raise ValueError(f"`forget_bias` must be a number between -5 and 5. Received: {forget_bias!r}")
        self._bias = float(forget_bias)
        super().__init__(conditioner, parameters=parameters, name=name)

    def transform(self, x, shift, raw):
        raw = numerics.bounded(raw, _LIMIT) + self._bias
        return tf.sigmoid(raw) * x + tf.sigmoid(-raw) * shift, tf.math.log_sigmoid(raw)

    def inverse_transform(self, y, shift, raw):
        raw = numerics.bounded(raw, _LIMIT) + self._bias
        return (y - tf.sigmoid(-raw) * shift) / tf.sigmoid(raw), -tf.math.log_sigmoid(raw)
