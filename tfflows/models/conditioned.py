"""A conditional flow with its context given: a distribution for whoever takes one."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class Conditioned(tfd.Distribution):
    """`p(x | context)` of a flow as a `tfd.Distribution`: batch shape that of the context, weights those of the flow.

    Args:
      flow: `FlowModel`, conditional, over reals.
      context: `[..., context_size]`, or integer labels `[...]`.

    Raises:
      ValueError: an unconditional flow, one over integers, or a context that it does not take.
    """

    def __init__(self, flow, context, name="conditioned"):
        parameters = dict(locals())
        if not flow.conditional or flow.dequantization is not None:
            kind = "an unconditional one" if not flow.conditional else "one over integers"
            raise ValueError(f"A conditional flow over reals is needed. Received: {flow.name}, {kind}")
        self._flow, self._of = flow, flow.distribution  # a tf.Module: its weights are this distribution's
        self._context, self._context_ndims = flow._context_tensor(context), flow._context_ndims
        super().__init__(
            dtype=self._of.dtype,
            reparameterization_type=self._of.reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @property
    def context(self):
        """The context, a `Tensor`."""
        return self._context

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _batch_shape(self):
        return self._context.shape[: self._context.shape.rank - self._context_ndims]

    def _batch_shape_tensor(self):
        return tf.shape(self._context)[: self._context.shape.rank - self._context_ndims]

    def _event_shape(self):
        return self._of.event_shape

    def _event_shape_tensor(self):
        return self._of.event_shape_tensor()

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self._batch_shape_tensor()], axis=0)
        return self._flow.decode(self._of.distribution.sample(shape, seed=seed), self._context)

    def _log_prob(self, x):
        return self._flow.log_prob(x, self._context)
