"""What every model here shares when it is compiled, trained and evaluated: check, adapt, plan, run."""

import contextlib
import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf

from tfflows import losses
from tfflows.datasets import batching
from tfflows.fitting import (
    callbacks_of_batches,
    calls,
    execution,
    guarded_step,
    inputs,
    own,
    step_checks,
    streams,
    watches,
    weights,
)
from tfflows.fitting.plan import XLA, Asked, prediction_plan, training_plan
from tfflows.fitting.resident_training import ResidentTraining, compiled_steps
from tfflows.joint import configs, kept
from tfflows.joint.weights import AdoptedVariables
from tfflows.ops import seeds


class PlannedModel(keras.Model):
    """A Keras model each of whose calls runs a plan: `print(model.plan)`.

    Subclasses say what they take: `_checked(x, context, what)` builds the model and gives the arrays as it takes them,
    or refuses them; `_check_spec` does so for the events of a dataset, whose dtype and shape are known; `_example()`
    is an event, `[1, *event_shape]`, and what `call` gives of one.
    """

    adapted = True
    """Whether every data-dependent weight is initialised."""
    adapt_examples = 100_000
    """Examples, at most, that `adapt` looks at."""
    has_own_loss = False  # the mean over a batch: no other loss
    weighs_examples = True
    num_classes = None  # of a context that is a label
    splittable = False  # into examples that are evaluated independently
    own_step = False  # the training step that loops over arrays in memory were made for, all of whose logs are metrics
    _asked = Asked()
    _scale_is_given = True  # of the loss in float16
    _built_when_compiled = True

    train_function = calls.keras_function("train")
    test_function = calls.keras_function("test")
    predict_function = calls.keras_function("predict")

    def __setattr__(self, name, value):
        # Keras forgets a function by setting `None`, which its own method skips where the property is `None` already.
        if value is None and name in ("train_function", "test_function", "predict_function"):
            kept.functions(self, name.removesuffix("_function")).cache_clear()
        super().__setattr__(name, value)

    @property
    def density_dtype(self):
        """Dtype of log-probabilities and losses, its name."""
        return self.dtype_policy.variable_dtype

    @property
    def plan(self):
        """The `fitting.plan.Plan` of the call under way; without one, that of a `fit` of a stream of batches."""
        call = calls.current(self)
        return training_plan(self, self._asked) if call is None else call.plan

    @property
    def steps_per_execution(self):
        """Keras's name for the steps a call of the plan."""
        return self.plan.steps_per_call

    @steps_per_execution.setter
    def steps_per_execution(self, steps):
        self._asked = dataclasses.replace(self._asked, steps_per_call=steps)

    def compile(self, optimizer="adam", loss=None, *, steps_per_execution="auto", jit_compile="auto", **kwargs):
        """As `keras.Model.compile`.

        The default loss of a flow is the negative log-likelihood in nats, and a loss or metric of your own receives the
        events as `y_true` and the log-probabilities as `y_pred`; Keras's own, which compare the two, are refused. Other
        models have a loss of their own and take none.

        `steps_per_execution="auto"` (the default) runs 32 steps between returns to Python in models of fewer than a
        million weights, whose steps would otherwise wait for Python, or the largest divisor of that and of the
        `steps_per_epoch` and `validation_steps` asked for, and 1 in larger ones or on several replicas.
        Callbacks see batches in that rhythm; one that needs each of them (it has a hook for batches, or a `save_freq`
        of so many) makes "auto" 1. `jit_compile="auto"` trains with XLA on accelerators and without it on CPUs, where
        training is slower with it (`benchmarks/fit_overhead.py`); for `predict` see there.
        """
        if self.has_own_loss and loss is not None:
            raise ValueError(f"{type(self).__name__} has a loss of its own. Received: loss={loss!r}")
        own.check(loss=loss, metrics=kwargs.get("metrics"), weighted_metrics=kwargs.get("weighted_metrics"))
        loss = losses.NegativeLogLikelihood() if loss is None and not self.has_own_loss else loss
        options = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
        super().compile(optimizer, loss=loss, **options, **kwargs)
        own.keep_dtype(self, self.density_dtype)
        self._asked = Asked(*options.values())
        self._scale_is_given = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        self._built_when_compiled = self.built
        if self.built and hasattr(self, "bijector"):
            own.warn_of_stacks(self.optimizer, self.bijector)

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says, optimizer state included."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self._build_optimizer()

    def fit(self, x=None, y=None, batch_size=None, *, validation_split=0.0, shuffle=True, **kwargs):
        """As `keras.Model.fit`, of arrays, `tf.data` or generators; `y` is the context of a conditional flow.

        Checks the data first, and adapts a flow that is not adapted. Labels that are no context are ignored.

        With weights `w` of the examples (`sample_weight`, `class_weight` by labels, or the third part of a batch
        `(x, context, w)`, where `None` stands for no context) the loss is `mean(w * nll)` over all examples.

        Raises:
          TypeError, ValueError: data of the wrong shape or dtype, empty, not finite or outside the support (how many,
            where first); weights that are not a finite number for each example; a loss that is not finite (the example
            and the part), which stops training with the weights of before that step.
          RuntimeError: another thread is in `fit` of this model.
        """
        # Check
        self._assert_compile_called("fit")
        x, y = inputs.pair(x, y)
        x, given = self._weights(x, y, kwargs)
        x, y, first = self._checked_data(x, y)
        arrays = inputs.joined(x, y, given) if inputs.is_array(x) else None
        if arrays:  # with a target where there are weights, for Keras
            x, y, kwargs["sample_weight"] = keras.utils.unpack_x_y_sample_weight(arrays)
        if arrays and (kwargs.get("steps_per_epoch") or x.nbytes >= batching.RESIDENT_BYTES):
            arrays = None
        if arrays and validation_split and kwargs.get("validation_data") is None:
            arrays, kwargs["validation_data"] = batching.train_validation_split(arrays, validation_split)
        size = kwargs.get("validation_batch_size") or batch_size
        kwargs["validation_data"] = self._checked_batches(kwargs.get("validation_data"), size, "validation_data")
        # Adapt
        if first and not self.adapted:
            self.adapt(*first)
        # Plan
        # Keras runs whole calls, also of `validation_steps`: 32 batches for 5 asked for (findings/).
        steps = math.gcd(*(kwargs.get(name) or 0 for name in ("steps_per_epoch", "validation_steps")))
        each = callbacks_of_batches.among(kwargs.get("callbacks"))
        plan = training_plan(
            self, self._asked, steps_per_epoch=steps or None, arrays=arrays is not None, each_batch=each
        )
        kwargs["callbacks"] = watches.added(self, plan, kwargs.get("callbacks"))
        self._build_optimizer()  # slots made while tracing would have it trace a second time
        # Run
        stream, functions = x if y is None else (x, y), {}
        if arrays:
            options = {"batch_size": batch_size or 32, "shuffle": bool(shuffle), "seed": seeds.drawn()}
            x, functions = self._batches(plan, arrays, **options)
            y, batch_size, validation_split, kwargs["sample_weight"] = None, None, 0.0, None
        shuffle = shuffle and (inputs.is_array(x) or isinstance(x, keras.utils.PyDataset))  # Keras warns of others
        with calls.counting(self, "fit"), self._running(plan, stream, **functions):
            return super().fit(x, y, batch_size, validation_split=validation_split, shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`; `y`, and what is raised, as in `fit`. Several threads take turns."""
        if kwargs.get("_use_cached_eval_dataset"):  # called by `fit`, whose plan it shares
            return super().evaluate(x, y, batch_size, **kwargs)
        self._assert_compile_called("evaluate")
        x, y = inputs.pair(x, y)
        x, given = self._weights(x, y, kwargs)
        if inputs.is_array(x):
            batches = self._checked_batches((x, y, given), batch_size, "x")
            batch_size = None if isinstance(batches, tf.data.Dataset) else batch_size
            x, y, kwargs["sample_weight"] = keras.utils.unpack_x_y_sample_weight(batches)
        each = callbacks_of_batches.among(kwargs.get("callbacks"))
        plan = training_plan(self, self._asked, steps_per_epoch=kwargs.get("steps"), each_batch=each)
        with calls.counting(self, "evaluate"), self._running(plan):
            return super().evaluate(x, y, batch_size, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`; of an empty array nothing, where Keras fails."""
        x = inputs.rows(x)
        first = x[0] if isinstance(x, (tuple, list)) and len(x) else x
        if inputs.is_array(first) and not len(first):
            return tf.nest.map_structure(np.asarray, self.predict_step(x))
        with self._running(prediction_plan(self, self._asked)):
            return super().predict(streams.of(x), batch_size, verbose=verbose, steps=steps, callbacks=callbacks)

    def train_step(self, data):
        """One step of Keras's own, of a batch of any kind."""
        data = self._supervised(data, checked=True)
        guarded = self.plan.compiler == XLA and self.trainable_weights and not execution.distributed(self)
        return guarded_step.train_step(self, data) if guarded else super().train_step(data)

    def test_step(self, data):
        """Evaluation of a batch."""
        return super().test_step(self._supervised(data))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """As Keras's; a step of training stops where it is not finite, with the weights of before."""
        loss = step_checks.finite(super().compute_loss(x, y, y_pred, sample_weight, training))
        loss = tf.reduce_sum(loss) if loss.shape == (0,) else loss  # of a batch known to be empty Keras gives no number
        known = training and x is not None  # which Keras lets a step of one's own leave out
        return execution.counted_by_examples(loss, keras.tree.flatten(x)[0]) if known else loss

    def _supervised(self, data, checked=False):
        """Keras's `(inputs, target, sample_weight)`, which in a step of training stops at bad events."""
        return data

    def _weights(self, x, y, options):
        """The data, a stream as `streams.of` it, and the weights of arrays, `[n]`; takes both out of the options."""
        given, by_class = options.pop("sample_weight", None), options.pop("class_weight", None)
        if not self.weighs_examples and (given is not None or by_class is not None):
            name = "class_weight" if given is None else "sample_weight"
            raise ValueError(f"{self.name} weighs all examples alike. Received: `{name}`")
        if given is not None and by_class is not None:
            raise ValueError("Weights are given by example or by class. Received: `sample_weight` and `class_weight`")
        table = None if by_class is None else weights.class_table(by_class, self.num_classes)
        if inputs.is_array(x):
            given = given if table is None else weights.of_classes(y, table)
            return x, None if given is None else weights.checked(given, len(x))
        if given is not None:
            raise ValueError(
                "`sample_weight` goes with arrays; a stream has its weights in each batch, (x, context, weights). "
                f"Received: `sample_weight` and x of type {type(x).__name__}"
            )
        return streams.of(x, table), None

    def _checked_data(self, x, y):
        """What to train on, its context, and what to adapt to; the model is built."""
        if inputs.is_array(x):
            return *self._checked(x, y, "x"), (x, y)  # as given: a table's names of columns
        if isinstance(x, tf.data.Dataset):
            spec = inputs.split(x.element_spec)[0]
            if not spec.shape[1:].is_fully_defined():
                spec = next((inputs.split(batch)[0] for batch in x), spec)
            self._check_spec(spec)
            return x, y, (x,)
        if x is None or (self.built and self.adapted):
            return x, y, ()
        first, x = inputs.peek(x, self.adapt_examples)
        return x, y, self._checked(*first, "x")

    def _checked_batches(self, data, batch_size, what):
        """Arrays, checked, as batches; large ones and anything else are left to Keras."""
        x, context, given = inputs.split(data)
        if not inputs.is_array(x):
            return data if context is not None else streams.of(x)
        x, context = self._checked(x, context, what)
        parts = inputs.joined(
            x, context, None if given is None else weights.checked(given, len(x), f"weights of {what}")
        )
        return parts if x.nbytes >= batching.RESIDENT_BYTES else batching.in_order(parts, batch_size or 32)

    def _batches(self, plan, arrays, **options):
        """What Keras iterates over in the place of arrays, and the functions of the call."""
        if not plan.in_memory:
            return batching.shuffled_batches(arrays, **options), {}
        steps = kept.functions(self, "train")("in memory", plan.split)
        steps[0] = steps[0] or compiled_steps(self)
        train = ResidentTraining(steps[0], arrays, steps_per_call=plan.steps_per_call, **options)
        return train.numbers(), {"train": train}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` described, with fresh weights."""
        return cls(**configs.read(config))

    def _check_spec(self, spec):
        pass

    def _build_optimizer(self):
        optimizer = getattr(self, "optimizer", None)
        if self.built and optimizer is not None and not optimizer.built:
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and not self._scale_is_given:
                optimizer.initial_scale = own.loss_scale(getattr(self, "event_shape", ()))
            if not self._built_when_compiled and hasattr(self, "bijector"):
                own.warn_of_stacks(optimizer, self.bijector)
            with self.distribute_strategy.scope():
                optimizer.build(self.trainable_variables)

    def quantize(self, mode=None, **kwargs):
        """Refused: a flow whose networks are rounded is another density, with weights that TFP does not see."""
        raise ValueError(f"{self.name} cannot be quantized; its encoder or decoder may be. Received: mode={mode!r}")

    def stateless_call(self, trainable_variables, non_trainable_variables, *args, **kwargs):
        """As `keras.Model.stateless_call`.

        Raises:
          ValueError: other values for variables of native TFP parts, which read their own whatever Keras says.
        """
        native = {
            id(v) for each in self._flatten_layers() if isinstance(each, AdoptedVariables) for v in each.variables
        }
        values = [*trainable_variables, *non_trainable_variables]
        for variable, value in zip([*self.trainable_variables, *self.non_trainable_variables], values, strict=True):
            known = value is variable or (tf.executing_eagerly() and np.array_equal(variable.numpy(), value))
            if id(variable) in native and not known:
                raise ValueError(
                    f"{variable.path} is of a native part of TFP, which reads its own value: assign to it. Received: "
                    "another value in a `stateless_call`"
                )
        return super().stateless_call(trainable_variables, non_trainable_variables, *args, **kwargs)

    @contextlib.contextmanager
    def _running(self, plan, stream=None, **functions):
        """A scope that runs a plan, and in which data that an assertion in a step refuses are refused by name."""
        with calls.running(self, plan, **functions):
            try:
                yield
            except tf.errors.InvalidArgumentError as error:
                for mark, text in self._refusals().items():
                    if mark in str(error):
                        raise self._refusal(mark, text, stream, str(error).partition(mark)[2]) from error
                raise

    def _refusals(self):
        """What is said of data that an assertion inside of a step refuses, by the mark in its error."""
        return {
            step_checks.BAD_WEIGHTS: "Weights must be finite. Received: a batch with NaN or infinite ones",
            step_checks.BAD_LOSS: "The loss is not finite: training stopped with the weights of before that step",
            step_checks.BAD_GRADIENT: "A gradient is not finite: training stopped with the weights of before that step",
        }

    def _not_finite(self, stream):
        """Where the loss is not finite; a subclass reads the stream again, to name the example and the part."""
        return "NaN or infinite"

    def _bad_gradient(self, stream, said):
        """Where a gradient is not finite; a subclass reads the stream again, to name the example and the part."""
        return f"NaN or infinite values in {said}"

    def _refusal(self, mark, text, stream, said):
        """The error to raise, `said` what came after the mark; a subclass may read the stream again to say more."""
        if mark == step_checks.BAD_GRADIENT:
            return ValueError(f"{text}. Received: {self._bad_gradient(stream, said.removeprefix(': '))}")
        return ValueError(f"{text}. Received: {self._not_finite(stream)}" if mark == step_checks.BAD_LOSS else text)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras would take the mean of a batch over replicas that may have unlike numbers of examples.
        if not self.built or not execution.distributed(self):
            return super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)
        with self.distribute_strategy.scope():
            self._symbolic_build(iterator=iterator)

    def _symbolic_build(self, iterator=None, data_batch=None):
        # Keras would trace `call` in a scratch graph to build the metrics; their input shapes are known without it.
        if self.built and not all(getattr(part, "built", True) for part in (self._compile_metrics, self._compile_loss)):
            x, y_pred = self._example()
            if self._compile_loss is not None:
                self.compute_loss(x=x, y=x, y_pred=y_pred)
            self.compute_metrics(x, x, y_pred)
            self.reset_metrics()
        super()._symbolic_build(iterator=iterator, data_batch=data_batch)
