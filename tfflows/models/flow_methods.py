"""What a flow does, for whoever has one: log-probabilities, draws, and the ways between latents and data."""

import numpy as np
import tensorflow as tf

from tfflows import bijectors
from tfflows.fitting import call_inputs, flow_trainer, inputs, never_adapted
from tfflows.joint import as_called, composition
from tfflows.joint.as_called import Rows
from tfflows.layers import priors
from tfflows.models import conditioned
from tfflows.ops import precision, seeds, shapes


class FlowMethods(flow_trainer.FlowTrainer):
    """A model around a `tfd.TransformedDistribution`, `_flow`, and what TFP asks of it; `FlowModel` makes it."""

    _flow = None

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

    def _of_events(self, x, context=None, *, seed=None):
        """What `log_prob` and `encode` are called with, checked."""
        x, context = self._checked_events(x, context)
        seed = seeds.stateless(seed) if x.dtype.is_integer and seed is not None else None
        x = Rows(x, len(self.event_shape))
        return {"x": x, **self._context_of(x.batch, context), "seed": seed}

    def _of_latents(self, z, context=None):
        """What `decode` is called with, checked."""
        z, context = self._checked_latents(z, context)
        z = Rows(z, len(self.distribution.distribution.event_shape))
        return {"z": z, **self._context_of(z.batch, context)}

    def _of_draws(self, n, *, context=None, seed=None, temperature=1.0, **others):
        """What `sample` is called with, checked; nothing of a shape of samples."""
        call_inputs.check_count(n)
        if not isinstance(n, (int, np.integer)):
            return None
        priors.check_temperature(temperature, self.distribution.distribution)
        seed = seeds.stateless(seeds.drawn() if seed is None else seed)
        if tf.is_tensor(temperature) or temperature != 1:
            others["temperature"] = tf.cast(temperature, self.distribution.dtype)
        context = self._context_of(tf.TensorShape([n]), self._context_tensor(context), grow=False)
        return {"n": tf.constant(n), **context, "seed": seed, **others}

    def _context_of(self, batch, context, grow=True):
        """What a method of rows with those batch axes is called with of their context, if there is one."""
        if context is None:
            return {}
        context = Rows(context, self._context_ndims)
        call_inputs.joint_batch(batch, context.batch, grow)
        return {"context": context}

    def _checked_events(self, x, context):
        x = call_inputs.events(x, self.event_shape, self.dequantization, self.name)
        context = self._context_tensor(context)
        never_adapted.warn(self, x, context)
        return x, context

    def _checked_latents(self, z, context):
        z, context = tf.cast(z, self.distribution.dtype), self._context_tensor(context)
        call_inputs.check_shape(z, self.distribution.distribution.event_shape, self.name, "latents")
        return z, context

    @as_called.compiled(_of_events)
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
        x, context = self._checked_events(x, context)
        ndims, log_q = len(self.event_shape), None
        if x.dtype.is_integer:
            batch = shapes.batch_shape(x, ndims)
            x = x if x.shape.rank == 1 + ndims else tf.reshape(x, [-1, *self.event_shape])
            x, log_q = self.dequantization(x, seed=seed)
            if not isinstance(batch, tf.TensorShape) or batch.rank != 1:
                x, log_q = tf.reshape(x, tf.concat([batch, self.event_shape], axis=0)), tf.reshape(log_q, batch)
        return call_inputs.matched(x, ndims, context, self._context_ndims), context, log_q

    @as_called.compiled(_of_draws)
    def sample(self, n, *, context=None, seed=None, temperature=1.0):
        """Draws from the flow.

        Args:
          n: int, number of samples, or a shape.
          context: for a conditional flow, one context for all samples or `n` of them; not for another number.
          seed: int, or an integer `Tensor` `[2]`; the same seed gives the same samples.
          temperature: float > 0, scales the base distribution about its mean; below 1 samples are more typical.

        Returns:
          `Tensor` `[n, *event_shape]`, integers of a flow with a `dequantization`.

        Raises:
          ValueError: no whole number of samples; a temperature that is not positive, or other than 1 of a base without
            a mean; a context that is missing, or other than `log_prob` takes.
        """
        return self.decode(*self._latents(n, context, seed, temperature))

    def _latents(self, n, context, seed, temperature):
        """Draws of the base distribution, scaled about its mean, and their context."""
        call_inputs.check_count(n)
        base = self.distribution.distribution
        z = base.sample(n, seed=None if seed is None else seeds.stateless(seed))
        z, context = priors.tempered(base, z, temperature), self._context_tensor(context)
        return call_inputs.matched(z, len(base.event_shape), context, self._context_ndims, grow=False), context

    @as_called.compiled(_of_draws)
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

    @as_called.compiled(_of_events)
    def encode(self, x, context=None, *, seed=None):
        """Latents `[..., *event_shape]` of events; integers are dequantized first, with noise of that seed.

        Batch axes and errors as in `log_prob`; NaN outside of the interval of a native bijector.
        """
        x, context, _ = self._events(x, context, seed)
        with precision.full_by_default():
            x = tf.identity(tf.cast(x, self.distribution.dtype))
            return self._latent.inverse(x, **composition.context_kwargs(self.bijector, context))

    @as_called.compiled(_of_latents)
    def decode(self, z, context=None):
        """Events of latents, integers of a flow with a `dequantization`. Batch axes and errors as in `log_prob`."""
        z, context = self._matched_latents(z, context)
        with precision.full_by_default():
            y = tf.identity(self.bijector.forward(z, **composition.context_kwargs(self.bijector, context)))
        return y if self.dequantization is None else self.dequantization.quantized(y)

    def _matched_latents(self, z, context):
        z, context = self._checked_latents(z, context)
        ndims = len(self.distribution.distribution.event_shape)
        return tf.identity(call_inputs.matched(z, ndims, context, self._context_ndims)), context

    def intermediates(self, z, context=None):
        """Latents on their way through the links of a `bijectors.Chain`, a list: `z` first, events of reals last."""
        z, context = self._matched_latents(z, context)
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
