"""What is examined: a flow, a batch as it takes it, the context, and the weights that are seen of it."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfflows import layers
from tfflows.evaluation import draws
from tfflows.fitting import call_inputs, inputs
from tfflows.joint import natives
from tfflows.joint.weights import weights_of


@dataclasses.dataclass(eq=False)
class Patient:
    """A flow and a batch.

    Attributes:
      name: str.
      bijector: `tfb.Bijector`.
      x: `Tensor` `[n, *event]` of reals.
      context: `Tensor` `[n, ...]` or `None`.
      distribution: `tfd.TransformedDistribution`; `None` of a posterior layer, whose base depends on the features.
      weights: the weights that Keras sees of it.
      others: list of pairs of the name and the `adapted` of parts beside the bijector.
    """

    name: str
    bijector: object
    x: tf.Tensor
    context: tf.Tensor | None
    distribution: object = None
    weights: list = dataclasses.field(default_factory=list)
    others: list = dataclasses.field(default_factory=list)

    @property
    def base(self):
        """The distribution of the latents, or `None`."""
        return None if self.distribution is None else self.distribution.distribution

    @property
    def root(self):
        """The tree that holds all weights."""
        return self.bijector if self.distribution is None else self.distribution


def of(model, x, context, num_examples, seed):
    """The `Patient` that a model and data are; see `evaluation.doctor` for what is refused."""
    given = (x,) if context is None else (x, context)
    if not all(np.ndim(each) for each in given) or not len(x) or len(given[-1]) != len(x):
        shapes = [tuple(np.shape(each)) for each in given]
        raise ValueError(f"At least one example, and a context for each, is needed. Received: shapes {shapes}")
    x, context = np.asarray(inputs.rows(x))[:num_examples], None if context is None else context[:num_examples]
    if isinstance(model, layers.Posterior):
        if context is not None:
            raise ValueError(f"A posterior layer has features, and no context. Received: one of {np.shape(context)}")
        return _of_posterior(model, x, seed)
    model = model.flow if isinstance(getattr(model, "flow", None), keras.Model) else model  # one fitted to a density
    if hasattr(model, "dequantization"):
        return _of_flow_model(model, x, context, seed)
    natives.check(model)
    context = None if context is None else tf.convert_to_tensor(inputs.rows(context))
    x = call_inputs.events(x, model.event_shape.as_list(), None, model.name)
    weights = weights_of(model)
    return Patient(model.name, model.bijector, _reals(x, model.dtype), context, model, weights)


def _of_flow_model(model, x, context, seed):
    distribution, layer = model.distribution, model.dequantization
    x = call_inputs.events(x, model.event_shape, layer, model.name)
    context = model._context_tensor(context)
    if hasattr(model, "log_prob_by_class"):  # of rows without a label the likeliest
        likeliest = tf.argmax(model.log_prob_by_class(x, seed=seed), axis=-1, output_type=context.dtype)
        context = tf.where(context < 0, likeliest, context)
    others = []
    if layer is not None:
        others.append(("the dequantization", getattr(layer, "adapted", True)))
        x = layer(x, seed=seed)[0] if x.dtype.is_integer else x
    apart = set() if layer is None else {id(v) for v in layer.variables}
    weights = [v for v in model.variables if id(v) not in apart]
    return Patient(model.name, model.bijector, _reals(x, distribution.dtype), context, distribution, weights, others)


def _of_posterior(layer, features, seed):
    """The bijectors of a posterior layer, at one draw for each of the features."""
    z, _ = layer.draw(features, seed=seed)
    if layer.flow is None:
        raise ValueError(f"A posterior with bijectors is needed. Received: {type(layer).__name__}, which has none")
    weights = [v for each in layer.flow_layers for v in each.variables]
    others = [("the features", layer.adapted)]
    return Patient(layer.name, layer.flow, z, layer._checked(features), None, weights, others)


def _reals(x, dtype):
    x = tf.cast(x, dtype)
    draws.check_finite(x.numpy(), "`x`")
    return x
