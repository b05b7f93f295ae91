"""How a flow is trained by maximum likelihood, and how it evaluates arrays in memory."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfflows.datasets import batching
from tfflows.fitting import bad_gradients, bad_losses, call_inputs, columns, execution, inputs, step_checks
from tfflows.fitting.plan import GRAPH, prediction_plan
from tfflows.fitting.planned_model import PlannedModel
from tfflows.fitting.resident_prediction import ResidentPrediction
from tfflows.joint import bounded, kept


class FlowTrainer(PlannedModel):
    """A Keras model trained by maximum likelihood; `FlowModel`, its subclass, adds the flow."""

    splittable = True
    wants_data = True
    """Whether there are data to be adapted to: not of a learned prior, or of a flow that is fitted to a density."""
    least_training_label = 0
    """The smallest label in training; -1, for no label, of a flow that learns from such rows."""

    def widened(self):
        """Has events, latents and densities in float64 from now on, if it can: whether that was changed."""
        return False

    @property
    def own_step(self):
        """Whether no subclass has another training step."""
        return type(self).train_step is PlannedModel.train_step

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Log-probabilities in nats, `[batch]`, as `keras.Model.predict`.

        Arrays are evaluated in blocks of many batches, on a CPU with as many at the same time as there are cores, so
        that up to that many times `batch_size` examples are in flight, and those of one batch by `log_prob`. Progress
        bar and callbacks count the blocks. With `jit_compile="auto"` arrays of many batches of a small flow go through
        XLA on a CPU too, where a forward pass gains from it what a training step does not; what XLA cannot compile does
        not.
        """
        x = inputs.rows(x)
        arrays, size = self._arrays_to_predict(x) if steps is None else None, batch_size or 32
        plan = prediction_plan(self, self._asked, batches=len(arrays[0]) / size if arrays else 0)
        plain = plan.compiler == GRAPH and not execution.distributed(self)
        if plain and arrays and len(arrays[0]) <= size and not callbacks:
            return self._of_one_batch(arrays, verbose)
        if not plan.in_memory:
            return super().predict(x, batch_size, verbose=verbose, steps=steps, callbacks=callbacks)
        own = kept.functions(self, "predict")("in memory", size, plan.compiler)
        evaluate = own[0] = own[0] or ResidentPrediction(self, size, plan.compiler)
        blocks = evaluate.blocks(arrays)
        numbers = batching.untuned(tf.data.Dataset.range(len(blocks)))
        predict = lambda numbers: tf.concat([evaluate(blocks[int(number)]) for number in numbers], axis=0)  # noqa: E731
        with self._running(plan, predict=predict):  # Keras's own loop, over the numbers of the blocks
            return keras.Model.predict(self, numbers, verbose=verbose, callbacks=callbacks)[: len(arrays[0])]

    def _of_one_batch(self, arrays, verbose):
        """Log-probabilities of arrays without Keras's loop, which takes longer to start than a small flow to answer."""
        answer = self.log_prob(*arrays).numpy()
        if verbose:
            shown = keras.utils.Progbar(1, verbose=1 if verbose == "auto" else verbose, unit_name="step")
            shown.update(1, finalize=True)
        return answer

    def predict_step(self, data):
        """Log-probabilities of a batch."""
        return self.log_prob(*self._supervised(data)[0])

    def _supervised(self, data, checked=False):
        """As the base: the target is the event, which losses and metrics may want; `log_prob` checks the rest."""
        x, context, weights = inputs.split(data)
        target = x = step_checks.known(x, self.event_shape)
        inputs.check_kind(x.dtype, self.dequantization)
        weights = step_checks.weights(weights, checked)
        if self.conditional and context is not None:
            context = step_checks.known(context, () if self.num_classes is not None else (self.context_size,))
        if checked and self.dequantization is None:
            x = tf.debugging.check_numerics(x, step_checks.BAD_EVENTS)
            outside = bounded.outside(self._density.bijector, x)
            x = x if outside is None else step_checks.required(~outside, x, step_checks.OUTSIDE)
        return ((x, context) if self.conditional else (x,)), target, weights

    def _checked(self, x, context, what, where=""):
        """Events and context as arrays in the flow's dtypes, the context `None` in an unconditional flow."""
        x, context = inputs.numbers(x, what + where), inputs.numbers(context, "context" + where)
        self.build(x.shape)
        inputs.check_events(x, self.event_shape, what=what + where, dequantization=self.dequantization)
        if not self.conditional:
            context = None
        else:
            kind = {"context_size": self.context_size, "num_classes": self.num_classes}
            kind["least_label"] = self.least_training_label
            inputs.check_context(context, len(x), what="context" + where, **kind)
        dtype = np.dtype(self.distribution.dtype.as_numpy_dtype)
        if self.dequantization is None and x.dtype != dtype:
            lost = columns.lost(x, dtype) if x.ndim == 2 and x.dtype.itemsize > dtype.itemsize else ""
            if lost and not self.widened():
                raise ValueError(
                    f"`{what + where}` must keep its spread in {dtype}. Received: {lost}; subtract an offset, or make "
                    "the flow with dtype='float64'"
                )
            dtype = np.dtype(self.distribution.dtype.as_numpy_dtype)
            with np.errstate(over="ignore"):
                x = x.astype(dtype)
            inputs.check_events(x, self.event_shape, what=f"{what} in {dtype}")  # may overflow
        if self.dequantization is None:
            bounded.check_inside(self._density.bijector, x, what + where)
        return x, context

    def _check_spec(self, spec):
        self.build(tuple(spec.shape))
        inputs.check_kind(spec.dtype, self.dequantization)

    def _example(self):
        return tf.zeros([1, *self.event_shape], self.distribution.dtype), tf.zeros([1], self.distribution.dtype)

    def _refusals(self):
        last, levels = (self.num_classes or 0) - 1, getattr(self.dequantization, "levels", None)
        labels = f"Labels must be from {self.least_training_label} to {last}. Received: a batch with others"
        events = "Training events must be finite. Received: a batch with NaN or infinite values"
        if levels is not None:
            events = f"Levels must be from 0 to {levels - 1}. Received: a batch with others"
        return super()._refusals() | {
            step_checks.BAD_LABELS: labels,
            step_checks.OUTSIDE: "Training events must be inside of the support. Received: a batch with others",
            step_checks.BAD_EVENTS: events,
        }

    def _refusal(self, mark, text, stream, said):
        """A dataset is read again to say where the first bad value is."""
        of_numbers = mark in (step_checks.BAD_LOSS, step_checks.BAD_GRADIENT)
        again = isinstance(stream, tf.data.Dataset) and not of_numbers
        for number, batch in enumerate(stream if again else ()):
            try:
                self._checked(*inputs.split(batch)[:2], "x", f" in batch {number}")
            except ValueError as found:
                return found
        return super()._refusal(mark, text, stream, said)

    def _bad_gradient(self, stream, said):
        return f"{bad_gradients.of_flow(self, stream)} (in {said})"

    def _not_finite(self, stream):
        log_prob = lambda x, context: self.log_prob(x, context, seed=0)  # noqa: E731
        return bad_losses.first_example(stream, log_prob, functools.partial(bad_losses.link, self))

    def _arrays_to_predict(self, x):
        """The arrays that `predict` may take whole: `(x,)` or `(x, context)`; `None` for anything else."""
        x, context = x if isinstance(x, (tuple, list)) and len(x) == 2 else (x, None)
        arrays = (x, context) if self.conditional else (x,)
        if type(self).predict_step is not FlowTrainer.predict_step or not all(map(inputs.is_array, arrays)):
            return None
        arrays = tuple(map(np.asarray, arrays))
        alike = len({len(array) if array.ndim else 0 for array in arrays}) == 1 and arrays[0].ndim and len(arrays[0])
        if self.num_classes is not None and arrays[1].dtype.kind in "iu":
            call_inputs.labels(arrays[1], self.least_label, self.num_classes - 1)  # XLA drops assertions
        small = sum(array.nbytes for array in arrays) < batching.RESIDENT_BYTES and arrays[0].dtype.kind == "f"
        return (arrays[0].astype(self.distribution.dtype.as_numpy_dtype), *arrays[1:]) if alike and small else None
