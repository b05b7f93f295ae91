"""Fixed permutation of the last axis."""

import numpy as np
import tensorflow as tf

from tfflows.joint import KerasBijector
from tfflows.ops import shapes


class Permutation(KerasBijector):
    """A fixed permutation `p` of the last axis.

    * forward: `y[..., i] = x[..., p[i]]`
    * inverse: `x[..., p[i]] = y[..., i]`
    * log-det: 0

    `event_ndims`: 1. Cost: a copy in each direction, and for the gradient.

    Args:
      permutation: integers `0 ... n-1`, each once.

    Raises:
      ValueError: `permutation` is not a permutation.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Permutation
    >>> Permutation([2, 0, 1]).forward(tf.constant([10.0, 11.0, 12.0])).numpy().tolist()
    [12.0, 10.0, 11.0]
    """

    def __init__(self, permutation, *, name="permutation"):
        parameters = dict(locals())
        order = np.asarray(permutation)
        if order.ndim != 1 or not len(order) or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(f"`permutation` must hold each of 0 ... n-1 once. Received: {permutation}")
        self._order, self._inverse_order = order, np.argsort(order)
        super().__init__(forward_min_event_ndims=1, event_shape=order.shape, parameters=parameters, name=name)

    def forward_and_log_det(self, x, context=None):
        return shapes.permute_last_axis(x, self._order), tf.zeros(shapes.batch_shape(x, 1), x.dtype)

    def inverse_and_log_det(self, y, context=None):
        return shapes.permute_last_axis(y, self._inverse_order), tf.zeros(shapes.batch_shape(y, 1), y.dtype)
