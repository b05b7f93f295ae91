"""What every model here shares when it is compiled, trained and evaluated: check, adapt, plan, run."""

import contextlib
import dataclasses
import math

import keras
import tensorflow as tf

from tfflows import losses
from tfflows.datasets import batching
from tfflows.fitting import calls, inputs
from tfflows.fitting.plan import Asked, prediction_plan, training_plan
from tfflows.fitting.resident_training import ResidentTraining, compiled_steps
from tfflows.joint import configs
from tfflows.ops import seeds


class PlannedModel(keras.Model):
    """A Keras model each of whose calls runs a plan: `print(model.plan)`.

    Subclasses say what they take: `_checked(x, context, what)` builds the model and gives the arrays as it takes them,
    or refuses them; `_check_spec` does so for the events of a dataset, whose dtype and shape are known; `_example()`
    is an event, `[1, *event_shape]`, and what `call` gives of one.
    """

    adapted = True
    """Whether every data-dependent weight is initialised."""
    has_own_loss = False  # the mean over a batch: no other loss, no weights of examples
    splittable = False  # into examples that are evaluated independently
    own_step = False  # the training step that loops over arrays in memory were made for, all of whose logs are metrics
    _asked = Asked()

    train_function = calls.keras_function("train")
    test_function = calls.keras_function("test")
    predict_function = calls.keras_function("predict")

    def __setattr__(self, name, value):
        # Keras forgets a function by setting `None`, which its own method skips where the property is `None` already.
        if value is None and name in ("train_function", "test_function", "predict_function"):
            calls.kept_functions(self, name.removesuffix("_function")).cache_clear()
        super().__setattr__(name, value)

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
        events as `y_true` and the log-probabilities as `y_pred`. Other models have a loss of their own and take none.

        `steps_per_execution="auto"` (the default) runs 32 steps between returns to Python in models of fewer than a
        million weights, whose steps would otherwise wait for Python, or the largest divisor of that and of the
        `steps_per_epoch` and `validation_steps` asked for, and 1 in larger ones or on several replicas.
        Callbacks see batches in that rhythm. `jit_compile="auto"` trains with XLA on accelerators and without it on
        CPUs, where training is slower with it (`benchmarks/fit_overhead.py`); for `predict` see there.
        """
        if self.has_own_loss and loss is not None:
            raise ValueError(f"{type(self).__name__} has a loss of its own. Received: loss={loss!r}")
        loss = losses.NegativeLogLikelihood() if loss is None and not self.has_own_loss else loss
        options = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
        super().compile(optimizer, loss=loss, **options, **kwargs)
        self._asked = Asked(*options.values())

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says, optimizer state included."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self._build_optimizer()

    def fit(self, x=None, y=None, batch_size=None, *, validation_split=0.0, shuffle=True, **kwargs):
        """As `keras.Model.fit`, of arrays, `tf.data` or generators; `y` is the context of a conditional flow.

        Checks the data first, and adapts a flow that is not adapted. Labels that are no context are ignored.

        Raises:
          TypeError, ValueError: data of the wrong shape or dtype, empty, not finite or outside the support (how many,
            where first); weights of examples or classes for a model with a loss of its own.
        """
        # Check
        self._refuse_weights(kwargs)
        x, y, first = self._checked_data(*inputs.pair(x, y))
        plain = all(kwargs.get(name) is None for name in ("sample_weight", "class_weight", "steps_per_epoch"))
        arrays = None
        if plain and inputs.is_array(x) and x.nbytes < batching.RESIDENT_BYTES:
            arrays = (x,) if y is None else (x, y)
            if validation_split and kwargs.get("validation_data") is None:
                arrays, kwargs["validation_data"] = batching.train_validation_split(arrays, validation_split)
        size = kwargs.get("validation_batch_size") or batch_size
        kwargs["validation_data"] = self._checked_batches(kwargs.get("validation_data"), size, "validation_data")
        # Adapt
        if first and not self.adapted:
            self.adapt(*first)
        # Plan
        # Keras runs whole calls, also of `validation_steps`: 32 batches for 5 asked for (findings/).
        steps = math.gcd(*(kwargs.get(name) or 0 for name in ("steps_per_epoch", "validation_steps")))
        plan = training_plan(self, self._asked, steps_per_epoch=steps or None, arrays=arrays is not None)
        self._build_optimizer()  # slots made while tracing would have it trace a second time
        # Run
        stream, functions = x if y is None else (x, y), {}
        if arrays:
            options = {"batch_size": batch_size or 32, "shuffle": bool(shuffle), "seed": seeds.drawn()}
            x, functions = self._batches(plan, arrays, **options)
            y, batch_size, validation_split = None, None, 0.0
        shuffle = shuffle and (inputs.is_array(x) or isinstance(x, keras.utils.PyDataset))  # Keras warns of others
        with self._running(plan, stream, **functions):
            return super().fit(x, y, batch_size, validation_split=validation_split, shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`; `y` as in `fit`."""
        if kwargs.get("_use_cached_eval_dataset"):  # called by `fit`, whose plan it shares
            return super().evaluate(x, y, batch_size, **kwargs)
        self._refuse_weights(kwargs)
        x, y = inputs.pair(x, y)
        if inputs.is_array(x) and kwargs.get("sample_weight") is None:
            batches = self._checked_batches((x, y), batch_size, "x")
            if isinstance(batches, tf.data.Dataset):
                x, y, batch_size = batches, None, None
        with self._running(training_plan(self, self._asked, steps_per_epoch=kwargs.get("steps"))):
            return super().evaluate(x, y, batch_size, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`."""
        with self._running(prediction_plan(self, self._asked)):
            return super().predict(x, batch_size, verbose=verbose, steps=steps, callbacks=callbacks)

    def train_step(self, data):
        """One step of Keras's own, of a batch of any kind."""
        return super().train_step(self._supervised(data, checked=True))

    def test_step(self, data):
        """Evaluation of a batch."""
        return super().test_step(self._supervised(data))

    def _supervised(self, data, checked=False):
        """Keras's `(inputs, target, sample_weight)`, which in a step of training stops at bad events."""
        return data

    def _refuse_weights(self, options):
        for name in ("sample_weight", "class_weight"):
            if self.has_own_loss and options.get(name) is not None:
                raise ValueError(f"{self.name} weighs all examples alike. Received: `{name}`")

    def _checked_data(self, x, y):
        """What to train on, its context, and what to adapt to; the model is built."""
        if inputs.is_array(x):
            x, y = self._checked(x, y, "x")
            return x, y, (x, y)
        if isinstance(x, tf.data.Dataset):
            self._check_spec(inputs.split(x.element_spec)[0])
            return x, y, (x,)
        if x is None or (self.built and self.adapted):
            return x, y, ()
        first, x = inputs.peek(x)
        return x, y, self._checked(*first, "x")

    def _checked_batches(self, data, batch_size, what):
        """Arrays, checked, as batches; weights, large arrays and anything else are left to Keras."""
        x, context, weights = inputs.split(data)
        if not inputs.is_array(x):
            return data
        x, context = self._checked(x, context, what)
        if weights is not None or x.nbytes >= batching.RESIDENT_BYTES:
            return data
        return batching.in_order((x,) if context is None else (x, context), batch_size or 32)

    def _batches(self, plan, arrays, **options):
        """What Keras iterates over in the place of arrays, and the functions of the call."""
        if not plan.in_memory:
            return batching.shuffled_batches(arrays, **options), {}
        kept = calls.kept_functions(self, "train")("in memory", plan.split)
        kept[0] = kept[0] or compiled_steps(self)
        train = ResidentTraining(kept[0], arrays, steps_per_call=plan.steps_per_call, **options)
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
            with self.distribute_strategy.scope():
                optimizer.build(self.trainable_variables)

    @contextlib.contextmanager
    def _running(self, plan, stream=None, **functions):
        """A scope that runs a plan, and in which data that an assertion in a step refuses are refused by name."""
        with calls.running(self, plan, **functions):
            try:
                yield
            except tf.errors.InvalidArgumentError as error:
                for mark, text in self._refusals().items():
                    if mark in str(error):
                        raise self._refusal(text, stream) from error
                raise

    def _refusals(self):
        """What is said of data that an assertion inside of a step refuses, by the mark in its error."""
        return {}

    def _refusal(self, text, stream):
        """The error to raise; a subclass may read the stream again to say more."""
        return ValueError(text)

    def _symbolic_build(self, iterator=None, data_batch=None):
        # Keras would trace `call` in a scratch graph to build the metrics; their input shapes are known without it.
        if self.built and not all(getattr(part, "built", True) for part in (self._compile_metrics, self._compile_loss)):
            x, y_pred = self._example()
            if self._compile_loss is not None:
                self.compute_loss(x=x, y=x, y_pred=y_pred)
            self.compute_metrics(x, x, y_pred)
            self.reset_metrics()
        super()._symbolic_build(iterator=iterator, data_batch=data_batch)
