"""Autoregressive flows: every entry is transformed by an elementwise map, given the entries before it."""

import functools

import numpy as np
import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import precision, shapes
from tfflows.ops.elementwise import Affine, GatedAffine, Invert, RationalQuadraticSpline
from tfflows.ops.elementwise.elementwise_map import check_map


class Autoregressive(KerasBijector):
    """Every entry is transformed by an elementwise map, given the entries before it.

    The conditioner is masked: in its order, the parameters for an entry depend on the entries before it only. In the
    direction `parallel` it sees what comes in. With `parallel="inverse"`, where densities are fast:

    * inverse: `x = map.inverse(y; conditioner(y, context))`, all entries at once;
    * forward: `y_i = map.forward(x_i; raw_i)`, entry after entry, as `raw_i` depends on `y_1 ... y_{i-1}`;

    and with `parallel="forward"`, where samples are fast, the conditioner sees `x` in both, and the two are exchanged.

    * log-det: the sum of the elementwise log-derivatives, Jacobian triangular.

    `event_ndims`: 1. Cost: one conditioner pass in the parallel direction. In the other a loop of `D` steps, compiled
    also where it is called outside of a function: together about as many multiplications as one pass
    (`networks.EntryByEntry`), or `D` passes with a conditioner that has no steps, as one in half precision. Its
    gradient stores all of them.

    Args:
      conditioner: masked Keras layer from `[..., D]` to `map.num_parameters * D` values on its last axis, parameter by
        parameter, with attributes `event_size`, `D`, and `order`, the entries in their order: `networks.MADE`. Called
        as `conditioner(x)`, or `conditioner([x, context])` when a context is given. Built here if it is not yet.
        Compositions should change the order, e.g. `MADE(..., order="reversed")` in every other one.
      map, parameters: see `Coupling`.
      parallel: "inverse" or "forward".

    Raises:
      TypeError: a conditioner without `event_size` or `order`; a `map` of another kind.
      ValueError: an unknown direction; a conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import Autoregressive, AutoregressiveSpline, InverseAutoregressive, MaskedAutoregressive
    >>> from tfflows.networks import MADE
    >>> from tfflows.ops import elementwise
    >>> flow = Autoregressive(MADE(3, num_outputs=1), elementwise.Shift(), parallel="forward")
    >>> named = [MaskedAutoregressive(MADE(3)), InverseAutoregressive(MADE(3))]
    >>> named.append(AutoregressiveSpline(MADE(3, num_outputs=11), bins=4))
    >>> [each.inverse(tf.ones([8, 3])).shape.as_list() for each in (flow, *named)]
    [[8, 3], [8, 3], [8, 3], [8, 3]]
    """

    def __init__(self, conditioner, map, *, parallel="inverse", parameters=None, name="autoregressive"):
        parameters = parameters or {"conditioner": conditioner, "map": map, "parallel": parallel, "name": name}
        check_map(map)
        arguments.check_choice(("inverse", "forward"), parallel=parallel)
        if not (hasattr(conditioner, "event_size") and hasattr(conditioner, "order")):
            raise TypeError(
                "An autoregressive bijector needs a masked conditioner with attributes `event_size` and `order`, such "
                f"as networks.MADE. Received: {type(conditioner).__name__}"
            )
        self._size, self._order = conditioner.event_size, [int(i) for i in conditioner.order]
        super().__init__(forward_min_event_ndims=1, event_shape=[self._size], parameters=parameters, name=name)
        self.map, self.parallel = map, parallel
        self._compiled = precision.Compiled(self._loop)
        self.conditioner = self.track_layer(conditioning.built(conditioner, (self._size,)))

    def forward_and_log_det(self, x, context=None):
        return (self._at_once if self.parallel == "forward" else self._in_order)(x, context)

    def inverse_and_log_det(self, y, context=None):
        return (self._at_once if self.parallel == "inverse" else self._in_order)(y, context)

    def _at_once(self, x, context):
        """The conditioner sees what comes in."""
        function = self.map.forward if self.parallel == "forward" else self.map.inverse
        y, log_derivative = function(x, *conditioning.parameters(self, x, context, self._size))
        return y, tf.reduce_sum(log_derivative, axis=-1)

    def _in_order(self, y, context):
        """The conditioner sees what goes out, so far: after step `k` the first `k` entries in its order are known."""
        flat = conditioning.inputs(self.conditioner, y, context, event_ndims=1)
        with precision.applied_to(self.conditioner):
            flat = (flat, None) if context is None else flat
            unrolled = self.writes_out(self._size, *flat)
            x, log_det = self._loop(*flat, unrolled=True) if unrolled else self._compiled(*flat)
        return shapes.with_batch_of(y, x, log_det, event_ndims=1)

    def _loop(self, y, context, unrolled=False):
        """The steps, in the way that the conditioner allows."""
        conditioner = self.conditioner
        function = self.map.inverse if self.parallel == "forward" else self.map.forward
        steps = getattr(conditioner, "has_steps", False) and conditioner.num_outputs == self.map.num_parameters
        loop = self._entry_by_entry if steps else self._pass_by_pass  # which refuses another number of outputs
        return loop(function, y, context, unrolled)

    def _entry_by_entry(self, function, y, context, unrolled=False):
        """With a conditioner that evaluates at a step only what the step changes."""
        steps = self.conditioner.entry_by_entry(y if context is None else [y, context], unrolled=unrolled)

        def step(k, entry, found_before, state):
            raw, state = steps(k, found_before, state)
            return *function(entry, *tf.unstack(raw, num=self.map.num_parameters, axis=-1)), state

        given = tf.gather(tf.transpose(y), self._order)
        found, log_det = conditioning.one_after_another(given, step, steps.start, unrolled=unrolled)
        return tf.transpose(tf.gather(found, np.argsort(self._order))), log_det

    def _pass_by_pass(self, function, y, context, unrolled=False):
        """With full passes, which round as in the parallel direction."""
        places = tf.one_hot(tf.constant(self._order), self._size, on_value=True, off_value=False)

        def step(k, x, log_derivative):
            known, change = function(y, *conditioning.parameters(self, x, context, self._size))
            x, log_derivative = tf.where(places[k], known, x), tf.where(places[k], change, log_derivative)
            return k + 1, shapes.known(x, y.shape), shapes.known(log_derivative, y.shape)

        start, n = (0, tf.zeros_like(y), tf.zeros_like(y)), self._size
        if unrolled:
            _, x, log_derivative = functools.reduce(lambda found, _: step(*found), range(n), start)
        else:
            _, x, log_derivative = tf.while_loop(lambda k, *_: k < n, step, start, maximum_iterations=n)
        return x, tf.reduce_sum(log_derivative, axis=-1)


class MaskedAutoregressive(Autoregressive):
    """The masked autoregressive flow: `Autoregressive(conditioner, Affine(log_scale_bound), parallel="inverse")`.

    With `shift, raw = conditioner(y, context)`, masked, and `log_scale = bound(raw)`:

    * inverse: `x = (y - shift) * exp(-log_scale)`
    * forward: `y_i = x_i * exp(log_scale_i) + shift_i`, entry after entry, as both depend on `y_1 ... y_{i-1}`
    * forward log-det: `sum(log_scale)`

    For the arguments and what is refused, see `Autoregressive` and `ops.elementwise.Affine`; the conditioner,
    `networks.MADE(D, num_outputs=2)` for example, returns all shifts first.

    References:
      Papamakarios, Pavlakou, Murray. Masked autoregressive flow for density estimation. NeurIPS 2017, arXiv
      1705.07057, section 3.1.
    """

    def __init__(self, conditioner, *, log_scale_bound="tanh", name="masked_autoregressive"):
        super().__init__(conditioner, Affine(log_scale_bound), parameters=dict(locals()), name=name)


class InverseAutoregressive(Autoregressive):
    """The inverse autoregressive flow: `Autoregressive(conditioner, GatedAffine(forget_bias), parallel="forward")`.

    With `shift, raw = conditioner(x, context)`, masked, and `gate = sigmoid(3 tanh(raw / 3) + forget_bias)`:

    * forward: `y = gate * x + (1 - gate) * shift`
    * inverse: `x_i = (y_i - (1 - gate_i) shift_i) / gate_i`, entry after entry, as both depend on `x_1 ... x_{i-1}`
    * forward log-det: `sum(log gate)`

    For the arguments and what is refused, see `Autoregressive` and `ops.elementwise.GatedAffine`; the conditioner,
    `networks.MADE(D, num_outputs=2)` for example, returns all shifts first.

    References:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934, algorithm 1.
    """

    def __init__(self, conditioner, *, forget_bias=1.0, name="inverse_autoregressive"):
        parameters = dict(locals())
        super().__init__(conditioner, GatedAffine(forget_bias), parallel="forward", parameters=parameters, name=name)


class AutoregressiveSpline(Autoregressive):
    """The autoregressive neural spline flow, whose fast direction is always the spline `f` itself.

    * `parallel="inverse"`: `Autoregressive(conditioner, Invert(f))`, `x = f(y; conditioner(y, context))`
    * `parallel="forward"`: `Autoregressive(conditioner, f, parallel="forward")`, `y = f(x; conditioner(x, context))`

    For the arguments and what is refused, see `Autoregressive`, and `ops.elementwise.RationalQuadraticSpline` for the
    `options`, whose defaults are the same, and the source (here section 3.2); the conditioner is
    `networks.MADE(D, num_outputs=3 * bins - 1)` for example.
    """

    def __init__(self, conditioner, *, parallel="inverse", name="autoregressive_spline", **options):
        spline = RationalQuadraticSpline(**options)
        parameters = {"conditioner": conditioner, "parallel": parallel, "name": name, **spline.parameters}
        direction = spline if parallel == "forward" else Invert(spline)
        super().__init__(conditioner, direction, parallel=parallel, parameters=parameters, name=name)
