"""A TFP transformed distribution as a Keras model."""

import math
import warnings

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bridge, export, losses, serialization
from tfflows.datasets import batching
from tfflows.models import execution, inputs
from tfflows.ops import seeds

tfd = tfp.distributions

_RESIDENT_BYTES = 2**29  # larger arrays go through Keras's own batching, which copies less
_SMALL_FLOW, _SMALL_FLOW_STEPS = 1_000_000, 32


@keras.saving.register_keras_serializable("tfflows")
class FlowModel(keras.Model):
    """Any `tfd.TransformedDistribution` as a Keras model trained by maximum likelihood.

    `flow(x)` is `log p(x)` in nats per example, so `compile` needs only an optimizer, and `predict` gives
    log-probabilities. The loss is `-mean(log p(x))`.

    Batches are `x` or `(x, context)` in arrays, `tf.data`, generators; an unconditional flow ignores the second.

    With a `dequantization` the data are integers, and `flow(x)` estimates a lower bound of their log-probability; the
    distribution is one of the dequantized reals (see `layers.Dequantization`).

    Args:
      distribution: `tfd.TransformedDistribution` over single events (batch shape `[]`, known event shape), native
        or built from tfflows bijectors. `None` in subclasses that make it in `make_distribution`.
      context_size: int, size of the float context of its conditioners; `None` for none.
      num_classes: int, number of classes of an integer context; `None` for none.
      dequantization: `layers.Dequantization` of a flow over integers; `None` for a density of reals.
      name: str.
      dtype: Keras precision policy; only conditioners compute in half precision.

    Raises:
      TypeError: `distribution` is not a transformed distribution.
      ValueError: a batch shape, an unknown event shape, or weights that Keras and TFP do not see alike (named).

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.models import FlowModel
    >>> base = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> shift = tfp.bijectors.Shift(tf.Variable([0.0, 0.0]))
    >>> flow = FlowModel(tfp.distributions.TransformedDistribution(base, shift))
    >>> flow.compile("adam")
    >>> history = flow.fit(np.ones([64, 2], "float32"), verbose=0)
    >>> flow.log_prob(np.zeros([3, 2], "float32")).shape.as_list()
    [3]
    """

    adapt_examples = 100_000
    """Examples, at most, that `adapt` looks at."""

    def __init__(
        self,
        distribution=None,
        *,
        context_size=None,
        num_classes=None,
        dequantization=None,
        name=None,
        dtype=None,
        **kwargs,
    ):
        super().__init__(name=name, dtype=dtype, autocast=False, **kwargs)
        if context_size is not None and num_classes is not None:
            raise ValueError(
                "A context is either a vector (`context_size`) or a class label (`num_classes`). "
                f"Received: context_size={context_size}, num_classes={num_classes}"
            )
        self.context_size, self.num_classes = context_size, num_classes
        self.dequantization = dequantization
        self._flow = None
        self._known_batches = 0
        if distribution is not None:
            self._hold(distribution)

    # -- construction ------------------------------------------------------------------------------------------
    def make_distribution(self, event_shape):
        """Subclasses: the `tfd.TransformedDistribution` for this event shape."""
        raise ValueError(f"{type(self).__name__} needs a `distribution`. Received: None")

    def build(self, input_shape):
        """Makes all weights, for batches `[batch, *event_shape]` or a pair of such a shape and a context's."""
        if self._flow is None:
            shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
            self._hold(self.make_distribution(tuple(shape[1:])))

    def _hold(self, distribution):
        if not hasattr(distribution, "bijector") or not isinstance(distribution, tfd.Distribution):
            raise TypeError(
                "`distribution` must be a tfp.distributions.TransformedDistribution. "
                f"Received: {type(distribution).__name__}"
            )
        if distribution.batch_shape.rank != 0 or not distribution.event_shape.is_fully_defined():
            raise ValueError(
                "`distribution` must have batch shape [] and a known event shape (tfd.Independent and tfd.Sample turn "
                f"batch axes into event axes). Received: batch shape {distribution.batch_shape}, event shape "
                f"{distribution.event_shape}"
            )
        read = self._variables_read_by(distribution)
        self.flow_layers = bridge.adopt(distribution)
        self._flow = distribution
        self.built = True
        others = set() if self.dequantization is None else {id(v) for v in self.dequantization.variables}
        bridge.audit([v for v in self.variables if id(v) not in others], distribution, used=read)

    def _variables_read_by(self, distribution):
        """Runs a log-probability once: native bijectors may hold layers that build when called, or hide them."""
        if not tf.executing_eagerly() or tf.distribute.has_strategy():  # no tape sees the reads there
            return ()
        with bridge.variables_read() as read:
            kwargs = bridge.context_kwargs(distribution.bijector, self._dummy_context(distribution.dtype))
            x = distribution.bijector.forward(distribution.distribution.sample(1, seed=seeds.stateless(0)), **kwargs)
            distribution.log_prob(tf.identity(x), bijector_kwargs=kwargs)
        return read.watched_variables()

    def _dummy_context(self, dtype):
        if self.num_classes is not None:
            return tf.zeros([1], tf.int32)
        return None if self.context_size is None else tf.zeros([1, self.context_size], dtype)

    # -- the flow ----------------------------------------------------------------------------------------------
    @property
    def distribution(self):
        """The `tfd.TransformedDistribution`."""
        if self._flow is None:
            raise ValueError(
                f"{self.name} is not built: its event shape is not known yet. Give `event_shape`, call "
                "`build((None, *event_shape))`, or `fit` first."
            )
        return self._flow

    @property
    def bijector(self):
        """The `tfb.Bijector` from latent to data."""
        return self.distribution.bijector

    @property
    def event_shape(self):
        """Shape of one example, a tuple."""
        return tuple(self.distribution.event_shape.as_list())

    @property
    def conditional(self):
        """Whether the flow takes a context."""
        return self.context_size is not None or self.num_classes is not None

    def log_prob(self, x, context=None, *, seed=None):
        """Log-probability in nats per example.

        Args:
          x: events `[..., *event_shape]`; integers `[batch, *event_shape]` of a flow with a `dequantization` give an
            estimate, from one draw of the noise, of a lower bound of their log-probability.
          context: `[..., context_size]` or integer labels `[...]` of a conditional flow; ignored otherwise.
          seed: int, of the noise.

        Returns:
          `Tensor` `[...]`.

        Raises:
          TypeError: events that are not floating point.
          ValueError: an event of another shape, a missing context, or an unbuilt flow.
        """
        distribution = self.distribution
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer and self.dequantization is not None:
            y, log_q = self.dequantization(x, seed=seed)
            return self.log_prob(y, context) - tf.cast(log_q, distribution.dtype)
        if not x.dtype.is_floating:
            raise TypeError(
                f"{self.name} is a density over floating-point events. Received: dtype {x.dtype.name}; "
                "discrete data needs a `dequantization`"
            )
        rank = len(self.event_shape)
        if (
            x.shape.rank is None
            or x.shape.rank < rank
            or not x.shape[x.shape.rank - rank :].is_compatible_with(self.event_shape)
        ):
            raise ValueError(f"{self.name} expects events of shape {self.event_shape}. Received: shape {x.shape}")
        # A new tensor: no cache can hold an answer for it from before the last weight update.
        x = tf.identity(tf.cast(x, distribution.dtype))
        return distribution.log_prob(x, bijector_kwargs=self._context_kwargs(context))

    def sample(self, n, *, context=None, seed=None, temperature=1.0):
        """Draws from the flow.

        Args:
          n: int, number of samples, or a shape.
          context: for a conditional flow, one context for all samples or `n` of them.
          seed: int; the same seed gives the same samples.
          temperature: float > 0, scales the base distribution about its mean; below 1 samples are more typical.

        Returns:
          `Tensor` `[n, *event_shape]`, integers of a flow with a `dequantization`.

        Raises:
          ValueError: a temperature that is not positive, or a missing context.
        """
        if isinstance(temperature, (int, float)) and temperature <= 0:
            raise ValueError(f"`temperature` must be positive. Received: {temperature}")
        base = self.distribution.distribution
        z = base.sample(n, seed=None if seed is None else seeds.stateless(seed))
        if not (isinstance(temperature, (int, float)) and temperature == 1):
            mean = base.mean()
            z = mean + tf.cast(temperature, z.dtype) * (z - mean)
        return self.decode(z, context)

    def encode(self, x, context=None, *, seed=None):
        """Latents `[..., *event_shape]` of events; integers are dequantized first, with noise of that seed."""
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer and self.dequantization is not None:
            x = self.dequantization(x, seed=seed)[0]
        return self.bijector.inverse(tf.identity(tf.cast(x, self.distribution.dtype)), **self._context_kwargs(context))

    def decode(self, z, context=None):
        """Events of latents, integers of a flow with a `dequantization`."""
        z = tf.identity(tf.cast(z, self.distribution.dtype))
        y = tf.identity(self.bijector.forward(z, **self._context_kwargs(context)))
        return y if self.dequantization is None else self.dequantization.quantized(y)

    def _context_kwargs(self, context):
        return bridge.context_kwargs(self.bijector, self._context_tensor(context))

    def _context_tensor(self, context):
        if not self.conditional:
            return None
        if context is None:
            kind = f"labels from 0 to {self.num_classes - 1}" if self.num_classes else f"vectors of {self.context_size}"
            raise ValueError(f"{self.name} is conditional: `context` must hold {kind}. Received: None")
        context = tf.convert_to_tensor(context)
        if self.num_classes is not None and not context.dtype.is_integer:
            raise TypeError(f"`context` must hold integer labels. Received: dtype {context.dtype.name}")
        if self.context_size is not None:
            if context.shape.rank == 0 or context.shape[-1] != self.context_size:
                raise ValueError(f"`context` must have last axis {self.context_size}. Received: shape {context.shape}")
            context = tf.cast(context, self.distribution.dtype)
        return context

    @property
    def adapted(self):
        """Whether every data-dependent weight is initialised."""
        return not bridge.unadapted(self.bijector) and getattr(self.dequantization, "adapted", True)

    def adapt(self, data, context=None):
        """Initialises data-dependent weights (standardisation, actnorm) from data, once.

        Args:
          data: events `[n, *event_shape]` (up to `adapt_examples` of them, evenly spaced, are used), or a
            `tf.data.Dataset` of batches.
          context: contexts of an array of events.

        Raises:
          ValueError: empty or non-finite data, or another event shape.
        """
        if isinstance(data, tf.data.Dataset):
            data, context = inputs.gather(data, self.adapt_examples)
        data, context = self._checked(data, context, "data")
        if self.adapted:
            return
        step = -(-len(data) // self.adapt_examples)
        data, context = data[::step], self._context_tensor(None if context is None else context[::step])
        if self.dequantization is not None:
            if not getattr(self.dequantization, "adapted", True):
                self.dequantization.adapt(data)
            data = self.dequantization(data, seed=0)[0]
        bridge.adapt(self.bijector, tf.cast(data, self.distribution.dtype), context)

    # -- Keras -------------------------------------------------------------------------------------------------
    def call(self, inputs_):
        """Log-probability of `x`, `(x,)` or the pair `(x, context)`."""
        return self.log_prob(*inputs_) if isinstance(inputs_, (tuple, list)) else self.log_prob(inputs_)

    def compute_output_shape(self, input_shape):
        """`(batch,)`."""
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        return (shape[0],)

    def compile(self, optimizer="adam", loss=None, *, steps_per_execution="auto", **kwargs):
        """As `keras.Model.compile`; the default loss is the negative log-likelihood in nats.

        A loss or metric of your own receives the events as `y_true` and the log-probabilities as `y_pred`.

        `steps_per_execution="auto"` (the default) runs 32 steps between returns to Python in flows of fewer than a
        million weights, whose steps would otherwise wait for Python, and 1 in larger ones or on several replicas.
        Callbacks see batches in that rhythm. `jit_compile="auto"`
        (Keras's default) uses XLA on accelerators and not on CPUs, where it is slower: `benchmarks/fit_overhead.py`.
        """
        self._auto_steps = steps_per_execution == "auto"
        steps = 1 if self._auto_steps else steps_per_execution
        loss = losses.NegativeLogLikelihood() if loss is None else loss
        super().compile(optimizer, loss=loss, steps_per_execution=steps, **kwargs)

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
        known_batches = 0
        if inputs.is_array(x):
            x, y = self._checked(x, y, "x")
            if kwargs.get("validation_data") is not None and not isinstance(kwargs["validation_data"], tf.data.Dataset):
                self._checked(*inputs.split(kwargs["validation_data"])[:2], "validation_data")
            if not self.adapted:
                self.adapt(x, y)
            plain = all(kwargs.get(name) is None for name in ("sample_weight", "class_weight", "steps_per_epoch"))
            if plain and x.nbytes < _RESIDENT_BYTES:
                if validation_split and kwargs.get("validation_data") is None:
                    (x, y), kwargs["validation_data"] = batching.train_validation_split((x, y), validation_split)
                    kwargs.setdefault("validation_batch_size", batch_size)
                seed = int(tf.random.uniform([], maxval=2**31 - 1, dtype=tf.int32))  # follows Keras's global seed
                arrays = (x,) if y is None else (x, y)
                x = batching.shuffled_batches(arrays, batch_size or 32, shuffle=bool(shuffle), seed=seed)
                y, batch_size, validation_split = None, None, 0.0
                known_batches = int(x.cardinality())
        elif isinstance(x, tf.data.Dataset):
            events = inputs.split(x.element_spec)[0]
            self.build(tuple(events.shape))
            inputs.check_kind(events.dtype, self.dequantization)
            if not self.adapted:
                self.adapt(x)
        elif x is not None and not self.adapted:
            (first, context), x = inputs.peek(x)
            self.adapt(*self._checked(first, context, "x"))
        self._choose_steps_per_execution(kwargs.get("steps_per_epoch"), known_batches)
        options = {"batch_size": batch_size, "validation_split": validation_split, "shuffle": shuffle, **kwargs}
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # Keras's default, not the user's word
                return super().fit(x, y, **options)
        except tf.errors.InvalidArgumentError as error:
            raise inputs.explain(error, x, dequantization=self.dequantization, num_classes=self.num_classes) from error

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
        if self.dequantization is None:
            x = x.astype(self.distribution.dtype.as_numpy_dtype, copy=False)
        return x, context

    def _choose_steps_per_execution(self, steps_per_epoch, known_batches):
        if bool(known_batches) != bool(self._known_batches):
            self.train_function = None
        self._known_batches = known_batches
        if not getattr(self, "_auto_steps", False):
            return
        small = self.count_params() < _SMALL_FLOW and not self.run_eagerly
        small = small and self.distribute_strategy.num_replicas_in_sync == 1  # Keras's loop fails on several replicas
        steps = math.gcd(steps_per_epoch or _SMALL_FLOW_STEPS, _SMALL_FLOW_STEPS) if small else 1
        if steps != self.steps_per_execution:
            self.steps_per_execution = steps
            self.train_function = self.test_function = self.predict_function = None

    def make_train_function(self, force=False):
        """As Keras's, with a leaner loop over the steps of one execution where the number of batches is known."""
        lean = self._known_batches and self.steps_per_execution > 1 and not (self.run_eagerly or self.jit_compile)
        if not lean or type(self).train_step is not FlowModel.train_step or tf.distribute.has_strategy():
            return super().make_train_function(force=force)
        if self.train_function is None or force:
            self.train_function = execution.counted_train_function(self, lambda: self._known_batches)
        return self.train_function

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
        return self(self._supervised(data)[0])

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

    def get_config(self):
        """The constructor's arguments, the distribution as nested configs."""
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "dequantization": keras.saving.serialize_keras_object(self.dequantization),
            "distribution": serialization.serialize(self.distribution),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The flow that `get_config` described, with fresh weights."""
        config = dict(config)
        if config.get("distribution") is not None:
            config["distribution"] = serialization.deserialize(config["distribution"])
        for name in ("dtype", "dequantization"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)

    def export(self, filepath, **kwargs):
        """Writes a SavedModel with endpoints `log_prob`, `sample`, `forward`, `inverse`; see `tfflows.export`."""
        export.export_flow(self, filepath, **kwargs)
