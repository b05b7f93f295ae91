"""Composition that hands a context to every link."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.arguments import check_sizes
from tfflows.joint import composition
from tfflows.joint.context_standardization import ContextStandardization
from tfflows.ops import shapes

tfb = tfp.bijectors


class Chain(composition.Composite):
    """Composition `forward = links[0] o links[1] o ... o links[-1]`, as `tfb.Chain`, that passes `context` on.

    * forward: `y = links[0](... links[-1](x))`
    * inverse: `x = links[-1]^-1(... links[0]^-1(y))`
    * log-det: the sum over the links, each evaluated once together with its value.

    So the first link is nearest to the data, the last nearest to the latent. Links may be tfflows or native TFP
    bijectors, compositions included; a native bijector without tfflows bijectors inside receives no context.

    `event_ndims`: as `tfb.Chain` infers it from the links.

    Args:
      bijectors: sequence of bijectors, at least one.
      context_size: int, size of a float context that `adapt` standardises, by what it then sees of it: every link is
        given `(context - location) / scale`. `None` hands a context on as it comes.

    Raises:
      ValueError: an empty sequence; a size below 1, or a context of another size.
      TypeError: an entry that is not a bijector.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import ActNorm, Chain, Permutation
    >>> chain = Chain([ActNorm([2]), Permutation([1, 0])])
    >>> chain.forward(tf.constant([1.0, 2.0])).numpy().tolist()
    [2.0, 1.0]
    """

    def __init__(self, bijectors, *, context_size=None, name="chain"):
        parameters = dict(locals())
        check_sizes(context_size=context_size)
        if isinstance(bijectors, tfb.Bijector) or not len(bijectors):
            raise ValueError(f"`bijectors` must be a sequence of at least one bijector. Received: {bijectors}")
        others = [each for each in bijectors if not isinstance(each, tfb.Bijector)]
        if others:
            raise TypeError(f"Every link must be a tfp.bijectors.Bijector. Received: {others}")
        inferred = tfb.Chain(list(bijectors))
        super().__init__(
            forward_min_event_ndims=inferred.forward_min_event_ndims,
            inverse_min_event_ndims=inferred.inverse_min_event_ndims,
            is_constant_jacobian=inferred.is_constant_jacobian,
            parameters=parameters,
        )
        self._links = list(bijectors)
        if context_size is not None:
            self._own_layer = self.track_layer(ContextStandardization(context_size, name=f"{name}_context"))

    @property
    def bijectors(self):
        """The links, data end first."""
        return list(self._links)

    parts = bijectors

    def copy(self, **overrides):
        """As of any bijector; a chain of other links shares the standardisation of the context."""
        new = super().copy(**overrides)
        if "context_size" not in overrides:
            for name in ("_own_layer", "_keras_layers", "_tf_variables"):
                setattr(new, name, getattr(self, name))
        return new

    @property
    def adapted(self):
        """Whether every link is, and the context."""
        return super().adapted and (self._own_layer is None or self._own_layer.adapted)

    def adapt(self, y, context=None):
        """Initialises every data-dependent link, from the data end inwards; returns `inverse(y)`."""
        if self._own_layer is not None and context is not None:
            self._own_layer.adapt(context)
            context = self._own_layer.standardised(context, y.dtype)
        for link in self._links:
            y = composition.adapt(link, y, context)
        return y

    def standardised(self, context, dtype):
        """The context as the links are given it, in a dtype where it is standardised; `None` without one."""
        if self._own_layer is None or context is None:
            return context
        return self._own_layer.standardised(context, dtype)

    def walk(self, x, context, *, forward):
        ndims = self.forward_min_event_ndims if forward else self.inverse_min_event_ndims
        values, log_dets = zip(*self.evaluated(x, context, forward=forward))
        zero = tf.zeros(shapes.batch_shape(x, ndims), x.dtype)
        return values[-1], sum((tf.cast(log_det, x.dtype) for log_det in log_dets), start=zero)

    def intermediates(self, x, context=None):
        """What `forward` gives after each link, a list: `x` first, `forward(x)` last."""
        x = tf.convert_to_tensor(x)
        self.check_input(x)
        return [x, *(value for value, _ in self.evaluated(x, context, forward=True))]

    def evaluated(self, x, context=None, *, forward):
        """Value and log-det of each link, one after another, from the latent end if `forward`, else from the data."""
        context = self.standardised(context, x.dtype)
        ndims = self.forward_min_event_ndims if forward else self.inverse_min_event_ndims
        for link in reversed(self._links) if forward else self._links:
            x, log_det, ndims = composition.evaluate(link, x, ndims, context, forward=forward)
            yield x, log_det

    def _forward_event_shape(self, shape):
        return functools.reduce(lambda found, link: link.forward_event_shape(found), reversed(self._links), shape)

    def _inverse_event_shape(self, shape):
        return functools.reduce(lambda found, link: link.inverse_event_shape(found), self._links, shape)

    def _forward_event_shape_tensor(self, shape):
        return functools.reduce(
            lambda found, link: link.forward_event_shape_tensor(found), reversed(self._links), shape
        )

    def _inverse_event_shape_tensor(self, shape):
        return functools.reduce(lambda found, link: link.inverse_event_shape_tensor(found), self._links, shape)
