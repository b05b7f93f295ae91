"""Masked additive coupling."""

import tensorflow as tf

from tfflows.bijectors.coupling import Coupling


class AdditiveCoupling(Coupling):
    """Masked additive coupling of NICE: volume preserving.

    With the mask `m` (1 = copied) and `shift = conditioner(m * x, context)`:

    * forward: `y = m * x + (1 - m) * (x + shift)`
    * inverse: `x = m * y + (1 - m) * (y - shift)`
    * log-det: 0

    `event_ndims`: the rank of the mask. Cost: one conditioner pass in each direction.

    Args:
      mask: array of 0/1 over the whole event.
      conditioner: Keras layer returning `k` values on its last axis for `k` transformed entries (see `Coupling`).
      name: str.

    Raises:
      ValueError: a mask of another shape than the event, all ones or all zeros; a conditioner output of the wrong
        size.
      TypeError: events not in float32 or float64.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import AdditiveCoupling
    >>> from tfflows.networks import MLP
    >>> coupling = AdditiveCoupling([1, 0], MLP(1))
    >>> coupling.forward(tf.ones([8, 2])).shape.as_list()
    [8, 2]

    References:
      Dinh, Krueger, Bengio. NICE: non-linear independent components estimation. 2014, arXiv 1410.8516, equation 9.
    """

    num_parameters = 1

    def __init__(self, mask, conditioner, *, name="additive_coupling"):
        super().__init__(mask, conditioner, parameters=dict(locals()), name=name)

    def transform(self, b, shift):
        return b + shift, tf.zeros_like(b)

    def inverse_transform(self, b, shift):
        return b - shift, tf.zeros_like(b)
