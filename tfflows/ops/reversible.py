"""A loop of invertible steps whose gradient recomputes what it needs instead of storing it."""

import functools
import itertools
import weakref

import tensorflow as tf

from tfflows.ops import precision, shapes

_names = itertools.count()


class Loop:
    """`x_{t+1}, l_t = step(x_t, w_t)` for `t = 0 ... n-1`, as one `tf.while_loop`; gives `x_n` and `sum(l_t)`.

    Its gradient is a second loop that walks back from `x_n`: it takes `x_t` from the states stored every
    `checkpoint_every` steps, and `inverse(x_{t+1}, w_t)` between them, then runs step `t` again under a tape. Memory is
    that of one step and `n / checkpoint_every` states, instead of `n` steps.

    It runs in a `tf.function` of its own, once for each rank of the arguments and precision of networks, eagerly too.
    That is also where the gradient is attached: `tf.custom_gradient` would keep every graph that was ever traced alive,
    as TensorFlow never forgets a registered gradient. What is registered here refers to its graph weakly and reads the
    tensors from it, which lets SavedModels hold the gradient as well. Gradients of the gradient are right, and store
    everything.

    Args:
      step: function `(x, weights, context) -> (y, log_det)` of one step's weights, a list of tensors; event shape and
        dtype of `y` are those of `x`.
      inverse: function `(y, weights, context) -> (x, log_det)`, its inverse.
      num_steps: int, `n`.
      event_ndims: int, rank of the event.
      reverse: bool, whether `w_t` is the last slice for `t = 0`, the first for `t = n-1`.
      checkpoint_every: int, or `None` for no loop: all steps in the graph, and TensorFlow's own gradient, which stores
        everything.
    """

    def __init__(self, step, inverse, *, num_steps, event_ndims, reverse, checkpoint_every):
        self._step, self._inverse, self._num_steps = step, inverse, num_steps
        self._event_ndims, self._reverse, self._every = event_ndims, reverse, checkpoint_every
        self._functions = {}

    def __call__(self, x, weights, context=None, *, plain=False):
        """Runs the loop: `(y, log_det)`, `[..., *event]` and `[...]`.

        Args:
          x: `Tensor` `[..., *event]`.
          weights: list of `Tensor`s `[n, ...]`.
          context: `Tensor` handed to every step, or `None`.
          plain: bool, as without a loop and a function of its own, for derivatives in forward mode.
        """
        batch = x.shape[: x.shape.rank - self._event_ndims]
        if 0 in batch.as_list():  # TensorFlow refuses to scatter states that it knows to be empty
            return tf.identity(x), tf.zeros(shapes.batch_shape(x, self._event_ndims), x.dtype)
        context = None if context is None else tf.convert_to_tensor(context)
        if plain or (self._every is None and not tf.executing_eagerly()):
            # The gradient of a nested function takes shapes from it, which XLA wants as constants, and with them all
            # that goes into the function: it would compile again for every batch and every change of a weight.
            return self._unrolled(x, weights, context)
        key = x.shape.rank, None if context is None else context.shape.rank, precision.is_full()
        if key not in self._functions:  # a function that has met two ranks would settle on an unknown one
            run = functools.partial(self._run)  # see `precision.Compiled`
            self._functions.setdefault(key, tf.function(run, autograph=False, reduce_retracing=True))
        y, log_det = self._functions[key](x, list(weights), context)
        y.set_shape(x.shape)
        log_det.set_shape(batch)
        return y, log_det

    def _run(self, x, weights, context):
        if self._every is None:
            return self._unrolled(x, weights, context)
        results = self._walk(x, weights, context)
        graph, name = results[0].graph, f"TfflowsReversibleLoop{next(_names)}"
        tensors = [*results, x, *weights, *([] if context is None else [context])]
        with graph.gradient_override_map({"IdentityN": name}):
            outputs = tf.identity_n(tensors)
        graph.tfflows_loop = self, results, weights, context, precision.is_full()
        graph = weakref.ref(graph)
        tf.RegisterGradient(name)(lambda op, *gradients: _gradient(graph(), gradients))
        return outputs[:2]

    def _unrolled(self, x, weights, context):
        """`x_n` and the log-det, step after step in the graph: no loop, whose gradient would copy what it stores."""
        log_det = tf.zeros(shapes.batch_shape(x, self._event_ndims), x.dtype)
        columns = [tf.unstack(w, num=self._num_steps) for w in weights]
        for t in range(self._num_steps):
            x, change = self._checked_step(x, [column[self._index(t)] for column in columns], context)
            log_det += shapes.known(change, log_det.shape)
        return x, log_det

    def _walk(self, x, weights, context):
        """`x_n`, the log-det, and the states `x_0, x_every, ...`, stacked."""
        log_det = tf.zeros(shapes.batch_shape(x, self._event_ndims), x.dtype)
        n = self._num_steps
        # No TensorArray: XLA wants its shape, which is not known where the batch is not.
        states = tf.zeros([-(-n // self._every), *tf.unstack(tf.shape(x))], x.dtype)

        def body(t, x, log_det, states):
            states = self._store(t, x, states)
            y, change = self._checked_step(x, self._slices(weights, t), context)
            return t + 1, y, log_det + shapes.known(change, log_det.shape), states

        loop_vars = (0, x, log_det, states)
        return tf.while_loop(lambda t, *_: t < n, body, loop_vars, maximum_iterations=n)[1:]

    def _checked_step(self, x, weights, context):
        y, change = self._step(x, weights, context)
        if y.dtype != x.dtype or not y.shape.is_compatible_with(x.shape):
            raise ValueError(
                "A repeated step must keep the shape and dtype of its events. "
                f"Received: {x.dtype.name} {x.shape} becomes {y.dtype.name} {y.shape}"
            )
        return shapes.known(y, x.shape), change

    def _store(self, t, x, states):
        def stored():
            return tf.tensor_scatter_nd_update(states, [[t // self._every]], x[None])

        return stored() if self._every == 1 else tf.cond(t % self._every == 0, stored, lambda: states)

    def gradient(self, y, states, weights, context, dy, dlog_det):
        """Gradients of what `_walk` gives with respect to `x`, `weights` and `context`; `None` for integers."""
        n, differentiable = self._num_steps, [i for i, w in enumerate(weights) if w.dtype.is_floating]
        by_context = context is not None and context.dtype.is_floating
        arrays = [tf.TensorArray(weights[i].dtype, size=n, element_shape=weights[i].shape[1:]) for i in differentiable]

        def body(t, y, dy, dcontext, arrays):
            slices = self._slices(weights, t)
            x = self._input_of(t, y, states, slices, context)
            sources = [x, *(slices[i] for i in differentiable), *([context] if by_context else [])]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                outputs = self._step(x, slices, context)
            dx, *rest = tape.gradient(outputs, sources, [dy, dlog_det], unconnected_gradients="zero")
            arrays = [array.write(self._index(t), d) for array, d in zip(arrays, rest)]
            dcontext = dcontext + rest[-1] if by_context else dcontext
            return t - 1, x, shapes.known(dx, y.shape), dcontext, arrays

        start = (n - 1, y, dy, tf.zeros_like(context) if by_context else 0.0, arrays)
        _, _, dx, dcontext, arrays = tf.while_loop(lambda t, *_: t >= 0, body, start, maximum_iterations=n)
        by_weight = {i: array.stack() for i, array in zip(differentiable, arrays)}
        return dx, [by_weight.get(i) for i in range(len(weights))], dcontext if by_context else None

    def _input_of(self, t, y, states, slices, context):
        def stored():
            return shapes.known(states[t // self._every], y.shape)

        def inverted():
            return shapes.known(self._inverse(y, slices, context)[0], y.shape)

        return stored() if self._every == 1 else tf.cond(t % self._every == 0, stored, inverted)

    def _index(self, t):
        return self._num_steps - 1 - t if self._reverse else t

    def _slices(self, weights, t):
        return [w[self._index(t)] for w in weights]


def _gradient(graph, gradients):
    """The gradient of the identity at the end of `Loop._run`, with respect to what goes into it."""
    if graph is None:
        raise LookupError("The graph of a reversible loop is gone, and its gradient with it")
    loop, (y, _, states), weights, context, full = graph.tfflows_loop
    with precision.full(full):  # as on the way there
        dx, dweights, dcontext = loop.gradient(y, states, weights, context, *gradients[:2])
    return [None, None, None, dx, *dweights, *([] if context is None else [dcontext])]
