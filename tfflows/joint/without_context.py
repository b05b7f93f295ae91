"""A bijector that is not told of a context, among others that are."""

from tfflows.joint import composition


class WithoutContext(composition.Composite):
    """`bijector` as it is, whatever the context.

    Args:
      bijector: `tfb.Bijector`.
    """

    def __init__(self, bijector, *, name="without_context"):
        super().__init__(
            forward_min_event_ndims=bijector.forward_min_event_ndims,
            inverse_min_event_ndims=bijector.inverse_min_event_ndims,
            is_constant_jacobian=bijector.is_constant_jacobian,
            parameters={"bijector": bijector, "name": name},
        )
        self.parts = [bijector]

    def adapt(self, y, context=None):
        """Initialises the bijector; returns `inverse(y)`."""
        return composition.adapt(*self.parts, y, None)

    def walk(self, x, context, *, forward):
        ndims = self.forward_min_event_ndims if forward else self.inverse_min_event_ndims
        return composition.evaluate(*self.parts, x, ndims, None, forward=forward)[:2]

    def _forward_event_shape(self, shape):
        return self.parts[0].forward_event_shape(shape)

    def _inverse_event_shape(self, shape):
        return self.parts[0].inverse_event_shape(shape)

    def _forward_event_shape_tensor(self, shape):
        return self.parts[0].forward_event_shape_tensor(shape)

    def _inverse_event_shape_tensor(self, shape):
        return self.parts[0].inverse_event_shape_tensor(shape)


def links_without_context(bijector):
    """The links of a bijector, data end first, as they are if they are native to TFP, without context otherwise.

    What native links mean for a support is then seen as before (`joint.bounded`).
    """
    if composition.is_chain(bijector):
        return [each for link in bijector.bijectors for each in links_without_context(link)]
    return [WithoutContext(bijector) if composition.takes_context(bijector) else bijector]
