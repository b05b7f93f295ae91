"""How a flow is compiled, trained, evaluated: what differs from Keras's own loops."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from tfflows import losses
from tfflows.datasets import batching
from tfflows.fitting import execution, inputs
from tfflows.fitting.resident_prediction import BATCHES, ResidentPrediction
from tfflows.fitting.resident_training import ResidentTraining
from tfflows.ops import seeds


class FlowTrainer(keras.Model):
    """A Keras model trained by maximum likelihood; `FlowModel`, its subclass, adds the flow.

    It checks data and adapts before training, hands contexts on, and runs the loops over arrays in memory.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._auto_steps, self._auto_jit = False, True
        self._halves, self._resident_fit, self._resident_prediction = False, False, None

    def compile(self, optimizer="adam", loss=None, *, steps_per_execution="auto", jit_compile="auto", **kwargs):
        """As `keras.Model.compile`; the default loss is the negative log-likelihood in nats.

        A loss or metric of your own receives the events as `y_true` and the log-probabilities as `y_pred`.

        `steps_per_execution="auto"` (the default) runs 32 steps between returns to Python in flows of fewer than a
        million weights, whose steps would otherwise wait for Python, and 1 in larger ones or on several replicas.
        Callbacks see batches in that rhythm. `jit_compile="auto"` trains with XLA on accelerators and without it on
        CPUs, where training is slower with it (`benchmarks/fit_overhead.py`); for `predict` see there.
        """
        self._auto_steps = steps_per_execution == "auto"
        steps = 1 if self._auto_steps else steps_per_execution
        loss = losses.NegativeLogLikelihood() if loss is None else loss
        self._auto_jit, self._resident_prediction = jit_compile == "auto", None
        super().compile(optimizer, loss=loss, steps_per_execution=steps, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says, optimizer state included."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self._flow is not None:
            self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, batch_size=None, *, validation_split=0.0, shuffle=True, **kwargs):
        """As `keras.Model.fit`; `y` is the context. Checks the data first, and adapts a flow that is not adapted.

        Raises:
          TypeError, ValueError: data of the wrong shape or dtype, empty, or not finite (how many, where first).
        """
        if isinstance(x, (tuple, list)) and len(x) == 2 and all(map(inputs.is_array, x)):
            x, y = x
        resident, size = None, kwargs.get("validation_batch_size") or batch_size
        if inputs.is_array(x):
            x, y = self._checked(x, y, "x")
            kwargs["validation_data"] = self._validation(kwargs.get("validation_data"), size)  # refused before `adapt`
            if not self.adapted:
                self.adapt(x, y)
            plain = all(kwargs.get(name) is None for name in ("sample_weight", "class_weight", "steps_per_epoch"))
            if plain and x.nbytes < batching.RESIDENT_BYTES:
                if validation_split and kwargs["validation_data"] is None:
                    (x, y), kwargs["validation_data"] = batching.train_validation_split((x, y), validation_split)
                arrays, seed = (x,) if y is None else (x, y), seeds.drawn()
                resident = {"arrays": arrays, "batch_size": batch_size or 32, "shuffle": bool(shuffle), "seed": seed}
                y, batch_size, validation_split = None, None, 0.0
        elif isinstance(x, tf.data.Dataset):
            events = inputs.split(x.element_spec)[0]
            self.build(tuple(events.shape))
            inputs.check_kind(events.dtype, self.dequantization)
            if not self.adapted:
                self.adapt(x)
        elif x is not None and not self.adapted:
            (first, context), x = inputs.peek(x)
            self.adapt(*self._checked(first, context, "x"))
        kwargs["validation_data"] = self._validation(kwargs.get("validation_data"), size)
        self._choose_execution(kwargs.get("steps_per_epoch"), bool(resident))
        if self.built and self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():  # slots made while tracing would have it trace a second time
                self.optimizer.build(self.trainable_variables)
        if resident:
            self.make_train_function()
            x = self.train_function.load(**resident) if self._resident_fit else batching.shuffled_batches(**resident)
        options = {"batch_size": batch_size, "validation_split": validation_split, "shuffle": shuffle, **kwargs}
        batches = None if resident else x
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # Keras's default, not the user's word
                return super().fit(x, y, **options)
        except tf.errors.InvalidArgumentError as error:
            kind = {"dequantization": self.dequantization, "num_classes": self.num_classes}
            raise inputs.explain(error, batches, **kind) from error
        finally:
            if self._resident_fit:
                self.train_function.release()

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`; `y` is the context."""
        if isinstance(x, (tuple, list)) and len(x) == 2 and all(map(inputs.is_array, x)):
            x, y = x
        if inputs.is_array(x) and all(kwargs.get(name) is None for name in ("sample_weight", "steps")):
            batches = self._validation((x, y), batch_size, "x")
            if isinstance(batches, tf.data.Dataset):
                x, y, batch_size = batches, None, None
        return super().evaluate(x, y, batch_size, **kwargs)

    def _validation(self, data, batch_size, what="validation_data"):
        """Arrays, checked, as batches; weights and anything but arrays are left to Keras."""
        x, context, weights = inputs.split(data)
        if not inputs.is_array(x):
            return data
        x, context = self._checked(x, context, what)
        if weights is not None or x.nbytes >= batching.RESIDENT_BYTES:
            return data
        return batching.in_order((x,) if context is None else (x, context), batch_size or 32)

    def _checked(self, x, context, what):
        """Events and context as arrays in the flow's dtypes, the context `None` in an unconditional flow."""
        x = np.asarray(x)
        self.build(x.shape)
        inputs.check_events(x, self.event_shape, what=what, dequantization=self.dequantization)
        if not self.conditional:
            context = None
        else:
            inputs.check_context(context, len(x), context_size=self.context_size, num_classes=self.num_classes)
            context = np.asarray(context)
        dtype = np.dtype(self.distribution.dtype.as_numpy_dtype)
        if self.dequantization is None and x.dtype != dtype:
            with np.errstate(over="ignore"):
                x = x.astype(dtype)
            inputs.check_events(x, self.event_shape, what=f"{what} in {dtype}")  # may overflow
        return x, context

    def _choose_execution(self, steps_per_epoch, resident):
        """What a `fit` runs: how many steps a call, whether on slices of arrays, whether a step goes in halves."""
        alone = not execution.distributed(self)
        small = execution.small(self) and not self.run_eagerly and alone
        steps = execution.steps_per_call(self, steps_per_epoch) if self._auto_steps else int(self.steps_per_execution)
        halves = small and not self.jit_compile and execution.on_cpu() and execution.cores() > 1
        resident = resident and steps > 1 and alone and not (self.run_eagerly or self.jit_compile)
        resident = resident and type(self).train_step is FlowTrainer.train_step
        if (steps, halves, resident) != (self.steps_per_execution, self._halves, self._resident_fit):
            self.steps_per_execution, self._halves, self._resident_fit = steps, halves, resident
            self.train_function = self.test_function = self.predict_function = None

    def make_train_function(self, force=False):
        """As Keras's, but for a leaner loop over arrays in memory."""
        if not self._resident_fit:
            return super().make_train_function(force=force)
        if self.train_function is None or force:
            self.train_function = ResidentTraining(self)
        return self.train_function

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Log-probabilities in nats, `[batch]`, as `keras.Model.predict`.

        Arrays are evaluated in blocks of many batches, on a CPU with as many at the same time as there are cores, so
        that up to that many times `batch_size` examples are in flight. Progress bar and callbacks count the blocks.
        With `jit_compile="auto"` arrays of many batches of a small flow go through XLA on a CPU too, where a forward
        pass gains from it what a training step does not; what XLA cannot compile does not.
        """
        size = batch_size or 32
        resident = steps is None and not (self.run_eagerly or execution.distributed(self))
        arrays = self._resident_arrays(x) if resident and type(self).predict_step is FlowTrainer.predict_step else None
        if arrays is None or len(arrays[0]) <= size:
            return super().predict(x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks)
        jit_compile = bool(self.jit_compile)
        if self._auto_jit and not jit_compile and execution.small(self):
            jit_compile = "auto" if len(arrays[0]) >= BATCHES * size and execution.on_cpu() else False
        known = self._resident_prediction
        if known is None or (known.batch_size, known.asked) != (size, jit_compile):
            known = self._resident_prediction = ResidentPrediction(self, size, jit_compile=jit_compile)
        before = self.predict_function, self.steps_per_execution
        self.predict_function, self.steps_per_execution = known, 1
        try:
            return super().predict(known.load(arrays), verbose=verbose, callbacks=callbacks)[: len(arrays[0])]
        finally:
            self.predict_function, self.steps_per_execution = before
            known.release()

    def _resident_arrays(self, x):
        """The arrays that `predict` may take whole: `(x,)` or `(x, context)`; `None` for anything else."""
        x, context = x if isinstance(x, (tuple, list)) and len(x) == 2 else (x, None)
        arrays = (x, context) if self.conditional else (x,)
        if not all(map(inputs.is_array, arrays)):
            return None
        arrays = tuple(map(np.asarray, arrays))
        alike = len({len(array) if array.ndim else 0 for array in arrays}) == 1 and arrays[0].ndim and len(arrays[0])
        small = sum(array.nbytes for array in arrays) < batching.RESIDENT_BYTES and arrays[0].dtype.kind == "f"
        return (arrays[0].astype(self.distribution.dtype.as_numpy_dtype), *arrays[1:]) if alike and small else None

    def train_step(self, data):
        """One step of maximum likelihood, Keras's own."""
        (x, *context), target, sample_weight = self._supervised(data)
        x, *context = inputs.asserted(x, *context, dequantization=self.dequantization, num_classes=self.num_classes)
        return super().train_step(((x, *context), target, sample_weight))

    def test_step(self, data):
        """Evaluation of a batch."""
        return super().test_step(self._supervised(data))

    def predict_step(self, data):
        """Log-probabilities of a batch."""
        return self.log_prob(*self._supervised(data)[0])

    def _supervised(self, data):
        """Keras's `(inputs, target, sample_weight)`: the target is the event, which losses and metrics may want."""
        x, context, sample_weight = inputs.split(data)
        x = tf.convert_to_tensor(x)
        inputs.check_kind(x.dtype, self.dequantization)
        return ((x, context) if self.conditional else (x,)), x, sample_weight

    def _symbolic_build(self, iterator=None, data_batch=None):
        # Keras would trace `call` in a scratch graph to build the metrics; their input shapes are known without it.
        if not getattr(self._compile_metrics, "built", True) or not getattr(self._compile_loss, "built", True):
            x, log_prob = tf.zeros([1, *self.event_shape], self.distribution.dtype), tf.zeros([1])
            self.compute_loss(x=x, y=x, y_pred=log_prob)
            self.compute_metrics(x, x, log_prob)
            self.reset_metrics()
        super()._symbolic_build(iterator=iterator, data_batch=data_batch)
