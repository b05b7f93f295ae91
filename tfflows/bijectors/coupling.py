"""What every coupling shares: the mask, the conditioner and the split of an event in two parts."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import masks, shapes


class Coupling(KerasBijector):
    """Base of couplings: part of the event is copied and conditions an elementwise bijection of the rest.

    With `a` the entries where the mask is 1 and `b` those where it is 0:

    * forward: `a' = a`, `b' = transform(b; conditioner(a, context))`
    * inverse: the same with the inverse transform; the conditioner sees the same `a`, so it is never inverted.
    * log-det: the sum of the elementwise log-derivatives, Jacobian triangular.

    If the mask depends on the last axis only (every vector event; channel masks of images) the conditioner
    receives the copied entries alone, shape `[..., k]`, and returns `num_parameters * (n - k)` values on the last
    axis. Otherwise (a checkerboard) it receives the whole event times the mask and returns `num_parameters * n`.
    Both directions cost one conditioner pass.

    Subclasses set `num_parameters` and write `transform` and `inverse_transform`.

    Args:
      mask: array of 0/1 over the whole event.
      conditioner: Keras layer, called as `conditioner(a)`, or `conditioner([a, context])` when a context is given.
      parameters: the subclass constructor's arguments.
      name: str.

    Raises:
      ValueError: for a mask that is no mask, or a conditioner whose output does not fit.
    """

    num_parameters = 1

    def __init__(self, mask, conditioner, *, parameters, name=None):
        mask = masks.checked(mask)
        super().__init__(forward_min_event_ndims=mask.ndim, event_shape=mask.shape, parameters=parameters, name=name)
        rows = mask.reshape(-1, mask.shape[-1])
        self._splits_last_axis = bool((rows == rows[0]).all())
        self._mask = mask
        order = np.argsort(~rows[0], kind="stable")
        self._order, self._restore = order, np.argsort(order)
        self._num_copied = int(rows[0].sum())
        # Two contiguous halves need no permutation: a split and a concatenation.
        self._contiguous = int(np.abs(np.diff(rows[0].astype(int))).sum()) == 1
        self._copied_first = bool(rows[0][0])
        seen = (*mask.shape[:-1], self._num_copied) if self._splits_last_axis else mask.shape
        self.conditioner = self.track_layer(conditioning.built(conditioner, seen))

    @property
    def mask(self):
        """Boolean array over the event: True = copied."""
        return self._mask.copy()

    def transform(self, b, *parameters):
        """Returns `(b', log|db'/db|)` elementwise."""
        raise NotImplementedError(f"{type(self).__name__} must define transform")

    def inverse_transform(self, b, *parameters):
        """Returns `(b, log|db/db'|)` elementwise."""
        raise NotImplementedError(f"{type(self).__name__} must define inverse_transform")

    def forward_and_log_det(self, x, context=None):
        return self._apply(self.transform, x, context)

    def inverse_and_log_det(self, y, context=None):
        return self._apply(self.inverse_transform, y, context)

    def _apply(self, transform, x, context):
        if self._splits_last_axis:
            a, b = self._split(x)
            b, log_derivative = transform(b, *self._parameters_of(a, context))
            return self._merge(a, b), shapes.sum_event(log_derivative, self.forward_min_event_ndims)
        keep = tf.constant(self._mask, x.dtype)
        y, log_derivative = transform(x, *self._parameters_of(x * keep, context))
        y = tf.where(self._mask, x, y)
        return y, shapes.sum_event(log_derivative * (1.0 - keep), self.forward_min_event_ndims)

    @property
    def adapted(self):
        """Whether the conditioner is, if it has anything to initialise from data."""
        return getattr(self.conditioner, "adapted", True)

    def adapt(self, y, context=None):
        """Lets the conditioner initialise itself from what it sees of the data `y`; returns `inverse(y)`."""
        y = tf.convert_to_tensor(y)
        self.check_input(y)
        if not self.adapted:
            a = self._split(y)[0] if self._splits_last_axis else y * tf.constant(self._mask, y.dtype)
            self.conditioner.adapt(conditioning.inputs(self.conditioner, a, context, event_ndims=self._mask.ndim))
        return self.inverse_and_log_det(y, context=context)[0]

    def _parameters_of(self, a, context):
        """The conditioner's output for `a`, split."""
        return conditioning.parameters(
            self.conditioner,
            a,
            context,
            event_ndims=self._mask.ndim,
            num_parameters=self.num_parameters,
            num_outputs=self._num_outputs,
            name=self.name,
        )

    @property
    def _num_outputs(self):
        n = self._mask.shape[-1]
        return n - self._num_copied if self._splits_last_axis else n

    def _split(self, x):
        copied, rest = self._num_copied, self._mask.shape[-1] - self._num_copied
        if self._contiguous and not self._copied_first:
            b, a = tf.split(x, [rest, copied], axis=-1)
            return a, b
        x = x if self._contiguous else shapes.permute_last_axis(x, self._order)
        return tf.split(x, [copied, rest], axis=-1)

    def _merge(self, a, b):
        if self._contiguous and not self._copied_first:
            return tf.concat([b, a], axis=-1)
        y = tf.concat([a, b], axis=-1)
        return y if self._contiguous else shapes.permute_last_axis(y, self._restore)
