"""A TFP transformed distribution as a Keras model."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import export
from tfflows.fitting import calls, columns, execution, inputs
from tfflows.joint import bounded, composition, configs, native_networks, natives, serialization, trainable
from tfflows.joint.weights import adopt, audit, variables_read
from tfflows.models import flow_methods
from tfflows.networks.conditioner import check_context, event_shape_of
from tfflows.ops import precision, seeds

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tfflows")
class FlowModel(trainable.Owner, flow_methods.FlowMethods):
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
