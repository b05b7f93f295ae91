"""What every autoregressive bijection shares: the masked conditioner, and its fast and its slow direction."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import precision


class Autoregressive(KerasBijector):
    """Base of autoregressive bijections: every entry is transformed elementwise, given the entries before it.

    The conditioner is masked: in its order, the parameters for an entry depend on the entries before it only. In the
    direction `parallel` it sees what comes in. With `parallel = "forward"`:

    * forward: `y = transform(x; conditioner(x, context))`, all entries at once;
    * inverse: `x = inverse_transform(y; conditioner(x, context))`, entry after entry;

    and with `parallel = "inverse"` the conditioner sees `y` in both, and the two are exchanged.

    * log-det: the sum of the elementwise log-derivatives, Jacobian triangular.

    Cost: one conditioner pass in the parallel direction. In the other a loop of `D` steps, compiled also where it is
    called outside of a function: together about as many multiplications as one pass (`networks.EntryByEntry`), or `D`
    passes with a conditioner that has no steps, as one in half precision. Its gradient stores all of them.

    Subclasses set `num_parameters` and `parallel`, and write `transform` and `inverse_transform`.

    Args:
      conditioner: masked Keras layer from `[..., D]` to `num_parameters * D` values on its last axis, parameter by
        parameter, with attributes `event_size`, `D`, and `order`, the entries in their order: `networks.MADE`. Called
        as `conditioner(x)`, or `conditioner([x, context])` when a context is given. Built here if it is not yet.
      parameters: the subclass constructor's arguments.
      name: str.

    Raises:
      TypeError: a conditioner without `event_size` or `order`.
      ValueError: a conditioner whose output does not fit.
    """

    num_parameters = 1
    parallel = "forward"

    def __init__(self, conditioner, *, parameters, name=None):
        if not (hasattr(conditioner, "event_size") and hasattr(conditioner, "order")):
            raise TypeError(
                "An autoregressive bijector needs a masked conditioner with attributes `event_size` and `order`, such "
                f"as networks.MADE. Received: {type(conditioner).__name__}"
            )
        self._size, self._order = conditioner.event_size, [int(i) for i in conditioner.order]
        super().__init__(forward_min_event_ndims=1, event_shape=[self._size], parameters=parameters, name=name)
        self._compiled = precision.Compiled(self._loop)
        self.conditioner = self.track_layer(conditioning.built(conditioner, (self._size,)))

    def transform(self, x, *parameters):
        """Returns `(y, log|dy/dx|)` elementwise."""
        raise NotImplementedError(f"{type(self).__name__} must define transform")

    def inverse_transform(self, y, *parameters):
        """Returns `(x, log|dx/dy|)` elementwise."""
        raise NotImplementedError(f"{type(self).__name__} must define inverse_transform")

    def forward_and_log_det(self, x, context=None):
        return (self._at_once if self.parallel == "forward" else self._in_order)(x, context)

    def inverse_and_log_det(self, y, context=None):
        return (self._at_once if self.parallel == "inverse" else self._in_order)(y, context)

    def _at_once(self, x, context):
        """The conditioner sees what comes in."""
        transform = self.transform if self.parallel == "forward" else self.inverse_transform
        y, log_derivative = transform(x, *self._parameters_of(x, context))
        return y, tf.reduce_sum(log_derivative, axis=-1)

    def _in_order(self, y, context):
        """The conditioner sees what goes out, so far: after step `k` the first `k` entries in its order are known."""
        flat = conditioning.inputs(self.conditioner, y, context, event_ndims=1)
        with precision.of(self.conditioner):
            x, log_det = self._compiled(flat, None) if context is None else self._compiled(*flat)
        x, log_det = tf.reshape(x, tf.shape(y)), tf.reshape(log_det, tf.shape(y)[:-1])
        return tf.ensure_shape(x, y.shape), tf.ensure_shape(log_det, y.shape[:-1])

    def _loop(self, y, context):
        """The steps, in the way that the conditioner allows."""
        conditioner = self.conditioner
        transform = self.inverse_transform if self.parallel == "forward" else self.transform
        steps = getattr(conditioner, "has_steps", False) and conditioner.num_outputs == self.num_parameters
        loop = self._entry_by_entry if steps else self._pass_by_pass  # which refuses another number of outputs
        return loop(transform, y, context)

    def _entry_by_entry(self, transform, y, context):
        """With a conditioner that evaluates at a step only what the step changes."""
        steps, n = self.conditioner.entry_by_entry(y if context is None else [y, context]), self._size
        given = tf.TensorArray(y.dtype, size=n, element_shape=y.shape[:1])
        given = given.unstack(tf.gather(tf.transpose(y), self._order))
        found = tf.TensorArray(y.dtype, size=n, element_shape=y.shape[:1])

        def step(k, entry, found, log_det, state):
            raw, state = steps(k, entry, state)
            entry, change = transform(given.read(k), *tf.unstack(raw, num=self.num_parameters, axis=-1))
            return k + 1, entry, found.write(k, entry), log_det + change, state

        start = (0, tf.zeros_like(y[:, 0]), found, tf.zeros_like(y[:, 0]), steps.start)
        _, _, found, log_det, _ = tf.while_loop(lambda k, *_: k < n, step, start, maximum_iterations=n)
        return tf.transpose(tf.gather(found.stack(), np.argsort(self._order))), log_det

    def _pass_by_pass(self, transform, y, context):
        """With full passes, which round as in the parallel direction."""
        places = tf.one_hot(tf.constant(self._order), self._size, on_value=True, off_value=False)

        def step(k, x, log_derivative):
            known, change = transform(y, *self._parameters_of(x, context))
            x, log_derivative = tf.where(places[k], known, x), tf.where(places[k], change, log_derivative)
            return k + 1, tf.ensure_shape(x, y.shape), tf.ensure_shape(log_derivative, y.shape)

        start, n = (0, tf.zeros_like(y), tf.zeros_like(y)), self._size
        _, x, log_derivative = tf.while_loop(lambda k, *_: k < n, step, start, maximum_iterations=n)
        return x, tf.reduce_sum(log_derivative, axis=-1)

    def _parameters_of(self, x, context):
        return conditioning.parameters(
            self.conditioner,
            x,
            context,
            event_ndims=1,
            num_parameters=self.num_parameters,
            num_outputs=self._size,
            name=self.name,
        )
