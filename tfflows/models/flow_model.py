"""A TFP transformed distribution as a Keras model."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, export
from tfflows.fitting import call_inputs, calls, columns, execution, flow_trainer, inputs, never_adapted
from tfflows.joint import bounded, composition, configs, native_networks, natives, serialization, trainable
from tfflows.joint.weights import adopt, audit, variables_read
from tfflows.layers import priors
from tfflows.models import conditioned
from tfflows.networks.conditioner import check_context, event_shape_of
from tfflows.ops import precision, seeds, shapes

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tfflows")
class FlowModel(trainable.Owner, flow_trainer.FlowTrainer):
    """Any `tfd.TransformedDistribution` as a Keras model trained by maximum likelihood.

    `flow(x)` is `log p(x)` in nats per example, so `compile` needs only an optimizer, and `predict` gives
    log-probabilities. The loss is `-mean(log p(x))`.

    Batches are `x` or `(x, context)` in arrays, `tf.data`, generators; an unconditional flow ignores the second.

    With a `dequantization` the data are integers, and `flow(x)` estimates a lower bound of their log-probability; the
    distribution is one of the dequantized reals (see `layers.Dequantization`).

    Subclasses that make their distribution when they know the shape of an event, given to `build` or found by the first
    `fit`, write `make_distribution`. Before it `checked_shape` may refuse or complete the shape, and
    `make_dequantization` gives what is `self.dequantization` from then on. The hooks return what they make and set
    nothing. A constructor of their own ends with `build((None, *event_shape))` where it knows the shape, and
    `get_config` has its arguments.

    Native parts that are wrong are named in a warning when the flow is built, which compares round trips and gradients
    with differences: in TFP 0.25 `tfb.Cumsum` (the gradient of its inverse), `tfb.Softfloor` (its inverse),
    `tfb.GeneralizedPareto` (the gradient of its log-det), `tfb.AbsoluteValue` (densities of several entries) and, as
    trained bases, `tfd.InverseGaussian` and `tfd.TruncatedNormal` (gradients through draws). Others of TFP are known to
    be right. So is a part that no file can hold. `tfb.RealNVP` and `tfb.MaskedAutoregressiveFlow` take Keras layers.

    Args:
      distribution: `tfd.TransformedDistribution` over single events (batch shape `[]`, known event shape), native
        or built from tfflows bijectors. `None` in subclasses that make it in `make_distribution`.
      context_size: int, size of the float context of its conditioners; `None` for none.
      num_classes: int, number of classes of an integer context; `None` for none.
      dequantization: `layers.Dequantization` of a flow over integers; `None` for a density of reals.
      name: str.
      dtype: Keras precision policy. Under a mixed one conditioners compute in half precision while the flow trains
        (`fit`, `flow(x, training=True)`), and in the precision of their weights everywhere else.

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
        check_context(context_size=context_size, num_classes=num_classes)
        self.context_size, self.num_classes = context_size, num_classes
        self.dequantization = dequantization
        self._flow, self.flow_layers = None, []
        if distribution is not None:
            self._adopt_distribution(distribution)
            serialization.warn_if_unwritable(distribution, self.name)

    # -- construction ------------------------------------------------------------------------------------------
    def checked_shape(self, event_shape):
        """Subclasses: the shape of an event, as the other two hooks want it; refuses one they cannot take."""
        return event_shape

    def make_dequantization(self, event_shape):
        """Subclasses: the `layers.Dequantization` for this event shape, or `None`; here the constructor's."""
        return self.dequantization

    def make_distribution(self, event_shape):
        """Subclasses: the `tfd.TransformedDistribution` for this event shape."""
        raise ValueError(f"{type(self).__name__} needs a `distribution`. Received: None")

    def build(self, input_shape):
        """Makes all weights, for batches `[batch, *event_shape]` or a pair of such a shape and a context's."""
        if self._flow is None:
            shape = self.checked_shape(tuple(event_shape_of(input_shape)[1:]))
            self.dequantization = self.make_dequantization(shape)
            self._adopt_distribution(self.make_distribution(shape))

    def _adopt_distribution(self, distribution):
        natives.check(distribution)
        native_networks.prepare(distribution)
        read = self._variables_read_by(distribution)
        self.flow_layers = adopt(distribution, self)
        self._flow, self._density = distribution, bounded.density(distribution)
        self._latent = bounded.latents(distribution.bijector)
        self.built = True
        others = set() if self.dequantization is None else {id(v) for v in self.dequantization.variables}
        audit([v for v in self.variables if id(v) not in others], distribution, used=read)
        native_networks.check_order(distribution)
        natives.warn(distribution, self._dummy_context(distribution.dtype))

    def _variables_read_by(self, distribution):
        """Runs a log-probability once: native bijectors may hold layers that build when called, or hide them."""
        if not tf.executing_eagerly() or tf.distribute.has_strategy():  # no tape sees the reads there
            return ()
        with variables_read() as read:
            kwargs = composition.context_kwargs(distribution.bijector, self._dummy_context(distribution.dtype))
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
    def density_dtype(self):
        """Dtype of log-probabilities, its name; of the policy until the flow is built."""
        return super().density_dtype if self._flow is None else self._flow.dtype.name

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
          x: events `[..., *event_shape]`; integers of a flow with a `dequantization` give an estimate, from one draw of
            the noise, of a lower bound of their log-probability.
          context: `[..., context_size]` or integer labels `[...]` of a conditional flow; ignored otherwise. Batch axes
            broadcast: `log_prob(x[:, None], labels[None])` is of every event under every class.
          seed: int, or an integer `Tensor` `[2]`, of the noise; `None` for a new draw.

        Returns:
          `Tensor` `[...]`; `-inf` outside of the support of a flow onto an interval, ends included, whether it ends
          with `bijectors.Logit` or with a native bijector (`tfb.Sigmoid`, `NormalCDF`, `Tanh`, `Exp`, ...).

        Raises:
          TypeError: events that are not floating point.
          ValueError: an event of another shape, a missing context or one for another number of events, labels or levels
            out of range (in a graph an assertion that fails when it runs), floats in `[0, 1]` for levels, or an unbuilt
            flow.
        """
        distribution = self.distribution
        x, context, log_q = self._events(x, context, seed)
        # A new tensor: no cache can hold an answer for it from before the last weight update.
        x = tf.identity(tf.cast(x, distribution.dtype))
        with precision.full_by_default():
            kwargs = composition.context_kwargs(self.bijector, context)
            log_prob = self._density.log_prob(x, bijector_kwargs=kwargs)
        return log_prob if log_q is None else log_prob - tf.cast(log_q, distribution.dtype)

    def _events(self, x, context, seed):
        """Events with noise, if they are levels, with the batch axes of their context; the context, and `log q`."""
        x = call_inputs.events(x, self.event_shape, self.dequantization, self.name)
        context, ndims, log_q = self._context_tensor(context), len(self.event_shape), None
        never_adapted.warn(self, x, context)
        if x.dtype.is_integer:
            batch = shapes.batch_shape(x, ndims)
            x = x if x.shape.rank == 1 + ndims else tf.reshape(x, [-1, *self.event_shape])
            x, log_q = self.dequantization(x, seed=seed)
            if not isinstance(batch, tf.TensorShape) or batch.rank != 1:
                x, log_q = tf.reshape(x, tf.concat([batch, self.event_shape], axis=0)), tf.reshape(log_q, batch)
        return call_inputs.matched(x, ndims, context, self._context_ndims), context, log_q

    def sample(self, n, *, context=None, seed=None, temperature=1.0):
        """Draws from the flow.

        It runs as it is called, without compiling anything. Many small draws are several times faster from a
        `tf.function(lambda seed: flow.sample(512, seed=seed))`, given a `tf.constant([i, 0])` at a time.

        Args:
          n: int, number of samples, or a shape.
          context: for a conditional flow, one context for all samples or `n` of them; not for another number.
          seed: int, or an integer `Tensor` `[2]`; the same seed gives the same samples.
          temperature: float > 0, scales the base distribution about its mean; below 1 samples are more typical.

        Returns:
          `Tensor` `[n, *event_shape]`, integers of a flow with a `dequantization`.

        Raises:
          ValueError: a temperature that is not positive, or other than 1 of a base without a mean; a context that is
            missing, or other than `log_prob` takes.
        """
        return self.decode(*self._latents(n, context, seed, temperature))

    def _latents(self, n, context, seed, temperature):
        """Draws of the base distribution, scaled about its mean, and their context."""
        if isinstance(temperature, (int, float)) and temperature <= 0:
            raise ValueError(f"`temperature` must be positive. Received: {temperature}")
        base = self.distribution.distribution
        z = base.sample(n, seed=None if seed is None else seeds.stateless(seed))
        z, context = priors.tempered(base, z, temperature), self._context_tensor(context)
        return call_inputs.matched(z, len(base.event_shape), context, self._context_ndims, grow=False), context

    def sample_and_log_prob(self, n, *, context=None, seed=None):
        """Draws and their log-probabilities, from one forward pass: the inverse may be slow, or saturate.

        Args:
          n, context, seed: as in `sample`.

        Returns:
          `(x, log_prob)`: `[n, *event_shape]`, and `[n]` in nats.

        Raises:
          ValueError: a flow over integers, whose log-probability no pass gives.
        """
        if self.dequantization is not None:
            raise ValueError(f"{self.name} must be a density of reals. Received: a flow with a `dequantization`")
        base, (z, context) = self.distribution.distribution, self._latents(n, context, seed, 1.0)
        log_base = base.log_prob(tf.identity(z))
        with precision.full_by_default():
            x, log_det, _ = composition.evaluate(self.bijector, z, len(base.event_shape), context, forward=True)
        return x, log_base - tf.cast(log_det, log_base.dtype)

    def encode(self, x, context=None, *, seed=None):
        """Latents `[..., *event_shape]` of events; integers are dequantized first, with noise of that seed.

        Batch axes and errors as in `log_prob`; NaN outside of the interval of a native bijector.
        """
        x, context, _ = self._events(x, context, seed)
        with precision.full_by_default():
            x = tf.identity(tf.cast(x, self.distribution.dtype))
            return self._latent.inverse(x, **composition.context_kwargs(self.bijector, context))

    def decode(self, z, context=None):
        """Events of latents, integers of a flow with a `dequantization`. Batch axes and errors as in `log_prob`."""
        z, context = self._checked_latents(z, context)
        with precision.full_by_default():
            y = tf.identity(self.bijector.forward(z, **composition.context_kwargs(self.bijector, context)))
        return y if self.dequantization is None else self.dequantization.quantized(y)

    def _checked_latents(self, z, context):
        latent = self.distribution.distribution.event_shape
        z, context = tf.cast(z, self.distribution.dtype), self._context_tensor(context)
        call_inputs.check_shape(z, latent, self.name, "latents")
        return tf.identity(call_inputs.matched(z, len(latent), context, self._context_ndims)), context

    def intermediates(self, z, context=None):
        """Latents on their way through the links of a `bijectors.Chain`, a list: `z` first, events of reals last."""
        z, context = self._checked_latents(z, context)
        with precision.full_by_default():
            if isinstance(self.bijector, bijectors.Chain):
                return self.bijector.intermediates(z, context)
            return [z, self.bijector.forward(z, **composition.context_kwargs(self.bijector, context))]

    def condition(self, context):
        """`p(x | context)` as a `tfd.Distribution` with the batch shape of the context: `models.conditioned`."""
        return conditioned.Conditioned(self, context)

    least_label = 0
    """The smallest label; -1, which is no label, of a flow that takes it."""

    @property
    def _context_ndims(self):
        return 1 if self.num_classes is None else 0

    def _context_kwargs(self, context=None):
        return composition.context_kwargs(self.bijector, self._context_tensor(context))

    def _context_tensor(self, context):
        if not self.conditional:
            return None
        if context is None:
            kind = f"labels from 0 to {self.num_classes - 1}" if self.num_classes else f"vectors of {self.context_size}"
            raise ValueError(f"{self.name} is conditional: `context` must hold {kind}. Received: None")
        if self.num_classes is not None:
            return call_inputs.labels(context, self.least_label, self.num_classes - 1)
        context = tf.convert_to_tensor(inputs.rows(context))
        if context.shape.rank == 0 or context.shape[-1] != self.context_size:
            raise ValueError(f"`context` must have last axis {self.context_size}. Received: shape {context.shape}")
        return context if context.dtype.is_floating else tf.cast(context, self.distribution.dtype)

    @property
    def adapted(self):
        """Whether every data-dependent weight is initialised."""
        return not composition.unadapted(self.bijector) and getattr(self.dequantization, "adapted", True)

    def adapt(self, data, context=None, *, names=None):
        """Initialises data-dependent weights (standardisation of events and contexts, actnorm) from data, once.

        Warns of columns whose values repeat, which have no density.

        Args:
          data: events `[n, *event_shape]` (up to `adapt_examples` of them, evenly spaced, are used), or a
            `tf.data.Dataset` of batches.
          context: contexts of an array of events.
          names: of the columns of vectors, for the warning; by default those of a table that has `columns`.

        Raises:
          ValueError: empty or non-finite data, or another event shape.
        """
        if isinstance(data, tf.data.Dataset):
            data, context = inputs.gather(data, self.adapt_examples)
        names = getattr(data, "columns", None) if names is None else names
        data, context = self._checked(data, context, "data")
        if self.adapted:
            return
        if self.dequantization is None:
            columns.warn(data, names)
        step = -(-len(data) // self.adapt_examples)
        data, context = data[::step], self._context_tensor(None if context is None else context[::step])
        if self.dequantization is not None:
            if not getattr(self.dequantization, "adapted", True):
                self.dequantization.adapt(data)
            data = self.dequantization(data, seed=0)[0]
        composition.adapt(self.bijector, tf.cast(data, self.distribution.dtype), context)

    # -- Keras -------------------------------------------------------------------------------------------------
    def call(self, batch, training=None):
        """Log-probability of `x`, `(x,)` or the pair `(x, context)`; networks in half precision only to train."""
        parts, call = batch if isinstance(batch, (tuple, list)) else (batch,), calls.current(self)
        with precision.full(not training):
            if call is not None and call.plan.split:
                return execution.split_over_cores(self.log_prob, *parts)
            return self.log_prob(*parts)

    def compute_output_shape(self, input_shape):
        """`(batch,)`."""
        return (event_shape_of(input_shape)[0],)

    def with_precision(self, dtype):
        """A flow with the same weights whose networks compute under another precision policy.

        Weights are float32 under every policy; another one is for training on, or for the bijector on its own, whose
        networks compute as the policy says, while the methods of a flow have them compute in float32.

        Args:
          dtype: Keras precision policy.

        Returns:
          A new flow of this class, not compiled.

        Raises:
          ValueError: the flow was made from a `distribution`, whose layers have policies of their own.
        """
        if type(self) is FlowModel:
            raise ValueError(
                f"{self.name} was made from a distribution: the layers in it have precision policies of their own. "
                "Make them again under another one, and hand over the weights with `set_weights`. Received: "
                f"dtype={dtype!r}"
            )
        flow = self.from_config({**self.get_config(), "dtype": dtype})
        flow.build((None, *self.event_shape))
        flow.set_weights(self.get_weights())
        return flow

    def get_config(self):
        """The constructor's arguments, the distribution as nested configs."""
        names = ("name", "context_size", "num_classes", "dequantization", "distribution")
        return configs.written({"dtype": self.dtype_policy, **{name: getattr(self, name) for name in names}})

    def export(self, filepath, format="tf_saved_model", verbose=False, **options):
        """Writes a SavedModel, ONNX, LiteRT or OpenVINO with endpoints `log_prob`, `inverse`, ...: `tfflows.export`."""
        export.export_flow(self, filepath, format, verbose, **options)
