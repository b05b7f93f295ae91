"""Any tree of bijectors as one: adapted, evaluated, given its context; and the base of bijectors made of others."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint.keras_bijector import KerasBijector
from tfflows.joint.weights import weights_of
from tfflows.ops import shapes

tfb = tfp.bijectors


class Composite(KerasBijector):
    """Base of bijectors made of others, whose weights are its own.

    Subclasses set `parts`, the bijectors, and write `walk(x, context, *, forward) -> (value, log_det)` for both
    directions.
    """

    parts = ()

    @property
    def weights(self):
        return weights_of(self)

    @property
    def adapted(self):
        """Whether every part is."""
        return not any(unadapted(part) for part in self.parts)

    def forward_and_log_det(self, x, context=None):
        return self.walk(x, context, forward=True)

    def inverse_and_log_det(self, y, context=None):
        return self.walk(y, context, forward=False)


def unadapted(root):
    """The tfflows bijectors in a tree whose data-dependent weights are not initialised; of ours only itself."""
    if isinstance(root, KerasBijector):
        return [] if root.adapted else [root]
    return [m for m in root.submodules if isinstance(m, KerasBijector) and not m.adapted]


def is_chain(bijector):
    """Whether it is a chain, ours or TFP's, which makes classes of its own."""
    return type(bijector).__name__.lstrip("_") == "Chain"


def adapt(bijector, y, context):
    """Initialises the data-dependent weights below `bijector`, from the data end inwards; returns `inverse(y)`.

    Raises:
      ValueError: some are inside a native bijector other than a chain, where what they see of the data is not known.
    """
    if isinstance(bijector, KerasBijector):
        return bijector.adapt(y, context=context)
    links = getattr(bijector, "bijectors", None)
    if is_chain(bijector):
        for link in links:
            y = adapt(link, y, context)
        return y
    waiting = [each.name for each in unadapted(bijector)]
    if waiting:
        raise ValueError(
            "Data-dependent bijectors adapt alone, in a tfflows Chain or in a tfb.Chain. "
            f"Received: {waiting} inside {type(bijector).__name__}; call their `adapt` yourself"
        )
    return bijector.inverse(tf.identity(y), **context_kwargs(bijector, context))


def evaluate(bijector, x, ndims, context, *, forward):
    """Value of any bijector, its log-det over `ndims` event axes, and the rank of the event of the value, in one pass.

    Args:
      bijector: tfflows or native bijector.
      x: `Tensor`, input of the direction wanted.
      ndims: int, rank of the event of `x`, at least the bijector's own.
      context: `Tensor` or `None`; see `context_kwargs`.
      forward: bool, the direction.
    """
    after = bijector.forward_event_ndims(ndims) if forward else bijector.inverse_event_ndims(ndims)
    if isinstance(bijector, KerasBijector):
        bijector.check_input(x)
        y, log_det = (bijector.forward_and_log_det if forward else bijector.inverse_and_log_det)(x, context=context)
        least = bijector.forward_min_event_ndims if forward else bijector.inverse_min_event_ndims
        return y, shapes.sum_event(log_det, ndims - least), after
    kwargs = context_kwargs(bijector, context)
    x = tf.identity(x)  # a tensor that TFP's cache has not seen: no answer from before a weight update
    if forward:
        return bijector.forward(x, **kwargs), bijector.forward_log_det_jacobian(x, ndims, **kwargs), after
    return bijector.inverse(x, **kwargs), bijector.inverse_log_det_jacobian(x, ndims, **kwargs), after


def takes_context(root):
    """Whether there is a `KerasBijector` in a tree, to which a context would be handed."""
    return isinstance(root, KerasBijector) or any(isinstance(each, KerasBijector) for each in root.submodules)


def context_kwargs(bijector, context):
    """Keyword arguments that carry `context` to every `KerasBijector` below `bijector`.

    TFP's compositions hand keyword arguments on by the name of the link; other native bijectors get none.
    """
    if context is None:
        return {}
    if isinstance(bijector, KerasBijector):
        return {"context": context}
    if isinstance(bijector, tfb.Composition):
        links = {link.name: context_kwargs(link, context) for link in tf.nest.flatten(bijector.bijectors)}
        return {name: kwargs for name, kwargs in links.items() if kwargs}
    if hasattr(bijector, "bijector"):
        return context_kwargs(bijector.bijector, context)
    return {}
