"""Composition that hands a context to every link."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint import KerasBijector, composition
from tfflows.joint.weights import weights_of
from tfflows.ops import shapes

tfb = tfp.bijectors


class Chain(KerasBijector):
    """Composition `forward = links[0] o links[1] o ... o links[-1]`, as `tfb.Chain`, that passes `context` on.

    * forward: `y = links[0](... links[-1](x))`
    * inverse: `x = links[-1]^-1(... links[0]^-1(y))`
    * log-det: the sum over the links, each evaluated once together with its value.

    So the first link is nearest to the data, the last nearest to the latent. Links may be tfflows or native TFP
    bijectors, compositions included; a native bijector without tfflows bijectors inside receives no context.

    `event_ndims`: as `tfb.Chain` infers it from the links.

    Args:
      bijectors: sequence of bijectors, at least one.
      name: str.

    Raises:
      ValueError: no bijectors.
      TypeError: an entry that is not a bijector.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import ActNorm, Chain, Permutation
    >>> chain = Chain([ActNorm([2]), Permutation([1, 0])])
    >>> chain.forward(tf.constant([1.0, 2.0])).numpy().tolist()
    [2.0, 1.0]
    """

    def __init__(self, bijectors, *, name="chain"):
        parameters = dict(locals())
        if isinstance(bijectors, tfb.Bijector) or not len(bijectors):
            raise ValueError(f"`bijectors` must be a sequence of at least one bijector. Received: {bijectors}")
        strangers = [each for each in bijectors if not isinstance(each, tfb.Bijector)]
        if strangers:
            raise TypeError(f"Every link must be a tfp.bijectors.Bijector. Received: {strangers}")
        inferred = tfb.Chain(list(bijectors))
        super().__init__(
            forward_min_event_ndims=inferred.forward_min_event_ndims,
            inverse_min_event_ndims=inferred.inverse_min_event_ndims,
            is_constant_jacobian=inferred.is_constant_jacobian,
            parameters=parameters,
            name=name,
        )
        self._links = list(bijectors)

    @property
    def bijectors(self):
        """The links, data end first."""
        return list(self._links)

    @property
    def weights(self):
        return weights_of(self)

    def forward_and_log_det(self, x, context=None):
        return self._walk(x, context, forward=True)

    def inverse_and_log_det(self, y, context=None):
        return self._walk(y, context, forward=False)

    @property
    def adapted(self):
        """Whether every link is."""
        return not any(composition.unadapted(link) for link in self._links)

    def adapt(self, y, context=None):
        """Initialises every data-dependent link, from the data end inwards; returns `inverse(y)`."""
        for link in self._links:
            y = composition.adapt(link, y, context)
        return y

    def _walk(self, x, context, *, forward):
        ndims = self.forward_min_event_ndims if forward else self.inverse_min_event_ndims
        total = tf.zeros(shapes.batch_shape(x, ndims), x.dtype)
        for link in reversed(self._links) if forward else self._links:
            x, log_det, ndims = composition.evaluate(link, x, ndims, context, forward=forward)
            total += tf.cast(log_det, total.dtype)
        return x, total

    def _forward_event_shape(self, shape):
        for link in reversed(self._links):
            shape = link.forward_event_shape(shape)
        return shape

    def _inverse_event_shape(self, shape):
        for link in self._links:
            shape = link.inverse_event_shape(shape)
        return shape

    def _forward_event_shape_tensor(self, shape):
        for link in reversed(self._links):
            shape = link.forward_event_shape_tensor(shape)
        return shape

    def _inverse_event_shape_tensor(self, shape):
        for link in self._links:
            shape = link.inverse_event_shape_tensor(shape)
        return shape
