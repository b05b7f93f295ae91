"""A flow whose latents are a mixture of Gaussians, one a class: it learns from few labels and many rows without."""

import types

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import arguments, bijectors, networks
from tfflows.fitting import call_inputs, inputs
from tfflows.joint import as_called, composition, configs
from tfflows.joint.without_context import links_without_context
from tfflows.models import latents
from tfflows.models.flow_model import FlowModel
from tfflows.ops import numerics, precision, seeds

tfd, tfb = tfp.distributions, tfp.bijectors

NO_LABEL = -1


@keras.saving.register_keras_serializable("tfflows")
class SemiSupervisedFlow(FlowModel):
    """FlowGMM: an unconditional flow whose latents `z` are a Gaussian for each class, learned from few labels.

    With the inverse `z = f^-1(x)` of the flow, one for all classes, and `log_det` its log-determinant

        log p(x | y) = log N(z; m_y, s_y) + log_det                          a row with the label y
        log p(x) = logsumexp_y(log p(y) + log N(z; m_y, s_y)) + log_det      a row with the label -1: none

    `fit(x, y)` minimises the mean of `-log p(x | y)` over the rows with a label and of `-log p(x)` over those without
    (nats; `sample_weight` weighs the two), and `log_prob(x, y)` is either. Without a context it is `log p(x)`, and
    `sample(n)` draws classes first. The class of a row follows from Bayes' rule, for which `log_det` does not matter:
    `evaluation.BayesClassifier(flow)`.

    `adapt`, and with it the first `fit`, adapts the flow, and sets the means `m_y` to those of the latents of the rows
    with a label, of which each class needs one at least. Means and scales (diagonal) are trained from there.

    `encode` and `decode` take standard normal latents of a class, vectors `(D,)`; with the label -1 the latents of the
    mixture, `z` itself.

    Args:
      flow: `FlowModel` without a context, built, over a standard normal: `RealNVP`, `Glow`, `NeuralSplineFlow`, one of
        TFP's bijectors. Its weights become this model's, its base is not used.
      num_classes: int, at least 2.
      prior: floats `[num_classes]`, the probabilities `p(y)`; `None` for all alike.
      name: str.

    Raises:
      TypeError: what is no `FlowModel`.
      ValueError: a flow that has a context, is not built, or has another base; probabilities that are not positive or
        do not sum to 1. From `adapt` and `fit`: a class without a single label; labels below -1.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import RealNVP, SemiSupervisedFlow
    >>> rng, truth = np.random.default_rng(0), np.arange(300) % 2
    >>> x = (rng.normal(size=(300, 2)) + 4 * truth[:, None]).astype("float32")
    >>> labels = np.where(np.arange(300) < 4, truth, -1)  # two of each class
    >>> flow = SemiSupervisedFlow(RealNVP((2,), num_layers=2, hidden_units=(8,)), num_classes=2)
    >>> flow.compile("adam")
    >>> history = flow.fit(x, labels, verbose=0)
    >>> flow.log_prob(x).shape.as_list(), flow.sample(3, context=np.array([0, 1, -1])).shape.as_list()
    ([300], [3, 2])

    References:
      Izmailov, Kirichenko, Finzi, Wilson. Semi-supervised learning with normalizing flows. ICML 2020, arXiv 1912.13025,
      section 3 (there means and scales are fixed).
    """

    least_label = least_training_label = NO_LABEL

    def __init__(self, flow, *, num_classes, prior=None, name="semi_supervised_flow"):
        _check_flow(flow)
        arguments.check_integer(2, num_classes=num_classes)
        distribution, dtype = _with_classes(flow, num_classes)
        super().__init__(
            distribution,
            num_classes=num_classes,
            dequantization=flow.dequantization,
            name=name,
            dtype=flow.dtype_policy,
        )
        self._log_prior = np.log(numerics.class_prior(prior, num_classes)).astype(dtype.name)
        self._prior, self._examples_of_flow = prior, flow.adapt_examples
        self._given = types.MappingProxyType(configs.written({"flow": flow}))  # not a dict, into which Keras looks

    @property
    def prior(self):
        """`p(y)`, a list of floats; `None` for classes that are equally likely."""
        return self._prior

    @property
    def classes(self):
        """The `bijectors.DiagonalAffine` from a standard normal to the Gaussian of each class."""
        return self.bijector.bijectors[-1]

    # -- the flow ----------------------------------------------------------------------------------------------
    def _context_tensor(self, context):
        return super()._context_tensor(NO_LABEL if context is None else context)

    encode, decode = map(call_inputs.never_none, (FlowModel.encode, FlowModel.decode))

    @call_inputs.never_none
    @as_called.compiled(FlowModel._of_events)
    def log_prob(self, x, context=None, *, seed=None):
        """`log p(x | y)` of labels, `log p(x)` of the label -1 or without a context; see `FlowModel.log_prob`."""
        by_class, context = self._by_class(x, context, seed)
        whole = tf.reduce_logsumexp(by_class + tf.cast(self._log_prior, by_class.dtype), axis=-1)
        context = tf.broadcast_to(context, tf.shape(whole))
        of_label = tf.gather(by_class, tf.maximum(context, 0), axis=-1, batch_dims=whole.shape.rank)
        return tf.where(context == NO_LABEL, whole, of_label)

    def log_prob_by_class(self, x, *, seed=None):
        """`log p(x | y)` of events under every class, `[..., num_classes]`, by one pass; see `FlowModel.log_prob`."""
        return self._by_class(x, None, seed)[0]

    def _by_class(self, x, context, seed):
        """As `log_prob_by_class`, of events with the batch axes of their context, and that."""
        x, context, log_q = self._events(x, context, seed)
        with precision.full_by_default():
            found = self._of_reals(tf.identity(tf.cast(x, self.distribution.dtype)))
        found = found if log_q is None else found - tf.cast(log_q, found.dtype)[..., None]
        return found, context

    def _of_reals(self, x):
        *links, classes = self._density.bijector.bijectors
        log_det, ndims = 0.0, len(self.event_shape)
        for link in links:
            x, of_link, ndims = composition.evaluate(link, x, ndims, None, forward=False)
            log_det += tf.cast(of_link, self.distribution.dtype)
        z = tf.repeat(x[..., None, :], self.num_classes, axis=-2)
        e, of_class = classes.inverse_and_log_det(z, context=tf.range(self.num_classes))
        return self.distribution.distribution.log_prob(e) + of_class + log_det[..., None]

    def _latents(self, n, context, seed, temperature):
        """As of any flow, with labels drawn from `p(y)` where there are none."""
        z, context = super()._latents(n, context, seed, temperature)
        shape, logits = tf.shape(z)[:-1], tf.constant(self._log_prior[None])
        count = tf.reduce_prod(shape)
        if seed is None:
            drawn = tf.random.categorical(logits, count, dtype=tf.int32)
        else:
            key = tf.random.fold_in(seeds.stateless(seed), 1)
            drawn = tf.random.stateless_categorical(logits, count, key, dtype=tf.int32)
        return z, tf.where(context == NO_LABEL, tf.reshape(drawn, shape), context)

    def sample_and_log_prob(self, n, *, context=None, seed=None):
        """As of any flow; where there is no label, `log p(x)` takes the inverse as well."""
        x, log_prob = super().sample_and_log_prob(n, context=context, seed=seed)
        none = self._context_tensor(context) == NO_LABEL
        if tf.executing_eagerly() and not tf.reduce_any(none):
            return x, log_prob
        return x, tf.where(none, self.log_prob(x), log_prob)

    def condition(self, context):
        """`p(x | y)` as a `tfd.Distribution`, of labels from 0 on: that without a label is this flow itself."""
        return super().condition(call_inputs.labels(context, 0, self.num_classes - 1))

    # -- data --------------------------------------------------------------------------------------------------
    @property
    def adapted(self):
        """Whether every data-dependent weight is initialised, the means among them."""
        return super().adapted and bool(np.any(self.classes.conditioner.kernel.numpy()))

    def adapt(self, data, context=None, *, names=None):
        """As of any flow, and sets the means of the classes, for which there have to be labels."""
        if self.adapted:
            return
        names = getattr(data, "columns", None) if names is None else names
        if isinstance(data, tf.data.Dataset):
            data, context = inputs.gather(data, self.adapt_examples)
        x, labels = self._checked(data, context, "data")
        missing = sorted(set(range(self.num_classes)) - set(np.unique(labels).tolist()))
        if missing:
            raise ValueError(
                f"Each class needs a row with its label. Received: {int((labels >= 0).sum())} labels, none of the "
                f"classes {missing}"
            )
        step = -(-len(x) // self._examples_of_flow)
        super().adapt(x[::step], labels[::step], names=names)
        self._place_means(x, labels)

    def _place_means(self, x, labels):
        x, labels = x[labels != NO_LABEL], labels[labels != NO_LABEL]
        parts = range(0, len(x), self._examples_of_flow)
        z = [self.encode(x[i : i + self._examples_of_flow], NO_LABEL, seed=0).numpy() for i in parts]
        z = np.concatenate(z)
        means = np.stack([z[labels == k].mean(axis=0) for k in range(self.num_classes)])
        kernel = self.classes.conditioner.kernel
        kernel.assign(np.concatenate([means, np.zeros_like(means)], axis=1))

    # -- Keras -------------------------------------------------------------------------------------------------
    def with_precision(self, dtype):
        """As of any flow; refused where the `flow` was made from a distribution."""
        flow = configs.read(self._given)["flow"].with_precision(dtype)
        twin = type(self)(flow, num_classes=self.num_classes, prior=self._prior, name=self.name)
        twin.set_weights(self.get_weights())
        return twin

    def get_config(self):
        """The constructor's arguments."""
        names = ("num_classes", "name")
        given = {"prior": self._prior, **{name: getattr(self, name) for name in names}}
        return {**self._given, **configs.written(given)}


def _check_flow(flow):
    if not isinstance(flow, FlowModel):
        raise TypeError(f"`flow` must be a tfflows FlowModel. Received: {type(flow).__name__}")
    base = flow.distribution.distribution  # refuses one that is not built
    normal = latents.standard_normal(base.event_shape, base.dtype)
    z = normal.sample(2, seed=[0, 0])
    if flow.conditional or not np.allclose(base.log_prob(z), normal.log_prob(z), rtol=1e-5):
        kind = "a flow with a context" if flow.conditional else f"one over {type(base).__name__}, another density"
        raise ValueError(f"`flow` must be without a context, over a standard normal. Received: {kind}")


def _with_classes(flow, num_classes):
    """The flow's bijector over class-conditional Gaussians, and the dtype of their weights."""
    shape, dtype = flow.distribution.distribution.event_shape, latents.dtype_of(flow.dtype_policy)
    size = shape.num_elements()
    conditioner = networks.ContextLinear(2 * size, num_classes=num_classes, dtype=dtype.name, name="class_gaussians")
    links = links_without_context(flow.bijector)
    if shape.rank != 1:
        links.append(tfb.Reshape(event_shape_out=shape, event_shape_in=[size], name="latent_vectors"))
    links.append(bijectors.DiagonalAffine([size], conditioner=conditioner, dtype=dtype.name, name="classes"))
    base = latents.standard_normal([size], flow.distribution.dtype)
    return tfd.TransformedDistribution(base, bijectors.Chain(links)), dtype
