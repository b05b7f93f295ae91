"""Autoregressive flow over sequences of tokens."""

import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors import conditioning
from tfflows.joint import KerasBijector
from tfflows.ops import precision, shapes
from tfflows.ops.elementwise import Affine
from tfflows.ops.elementwise.affine import scaled, unscaled


class TransformerAutoregressive(KerasBijector):
    """Affine autoregressive flow over the tokens of a sequence: fast from data to latent, so that densities are.

    With `shift, raw = conditioner(y, context)`, which for token `t` depend on the tokens before it, and
    `log_scale = bound(raw)`:

    * inverse: `x = (y - shift) * exp(-log_scale)`
    * forward: `y_t = x_t * exp(log_scale_t) + shift_t`, token after token, as both depend on `y_1 ... y_{t-1}`
    * forward log-det: `sum(log_scale)`

    The first token has a shift and a scale as well, which depend on the context alone. (In the paper `z` is the latent
    and the first token is left as it is.) With `reverse=True` tokens are taken from the last to the first.

    With a `guidance` `w`, a conditioner of class labels is evaluated twice, with the label and without (label -1), and

        shift <- shift + w (shift - shift_without),    log_scale <- log_scale + w (log_scale - log_scale_without)

    so that samples are more like their class (the paper's guidance). This is a bijection as well, with a density of its
    own, and `w = 0` is the plain one.

    `event_ndims`: 2, events `[..., T, F]`. Cost: inverse one conditioner pass; forward one loop of `T` steps, compiled
    also where it is called outside of a function, which keep the keys and values of the tokens before, so that all
    together multiply about as often as one pass (`networks.TokenByToken`). Its gradient stores all of them, `T` caches
    of `T` tokens. In half precision the two directions round differently. Twice that with guidance.

    Args:
      conditioner: causal Keras layer from `[batch, T, F]` to `[batch, T, 2 F]`, shifts first, with `event_shape` and
        `token_by_token`: `networks.Transformer((T, F))`. Called as `conditioner(y)`, or `conditioner([y, context])`
        when a context is given. Built here if it is not yet.
      reverse: bool, the order of the tokens.
      guidance: float, `w`, at least 0.
      log_scale_bound: see `ops.elementwise.Affine`.

    Raises:
      TypeError: a conditioner that does not go token by token.
      ValueError: a conditioner with another number of outputs, an unknown bound, guidance that is negative or not of
        class labels.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import TransformerAutoregressive
    >>> from tfflows.networks import Transformer
    >>> flow = TransformerAutoregressive(Transformer((16, 12), num_blocks=2, units=32))
    >>> flow.inverse(tf.ones([8, 16, 12])).shape.as_list()
    [8, 16, 12]

    References:
      Zhai, Zhang, Nakkiran, Berthelot, Gu, Zheng, Chen, Bautista, Jaitly, Susskind. Normalizing flows are capable
        generative models. ICML 2025, arXiv 2412.06329.
    """

    def __init__(
        self, conditioner, *, reverse=False, guidance=0.0, log_scale_bound="tanh", name="transformer_autoregressive"
    ):
        parameters = dict(locals())
        if not (hasattr(conditioner, "event_shape") and hasattr(conditioner, "token_by_token")):
            raise TypeError(
                "A conditioner with attributes `event_shape` and `token_by_token` is needed, such as "
                f"networks.Transformer. Received: {type(conditioner).__name__}"
            )
        if conditioner.num_outputs != 2:
            raise ValueError(
                f"The conditioner of {name} must return 2 values for each entry. Received: {conditioner.num_outputs}"
            )
        arguments.check_number(least=0, guidance=guidance)
        if guidance and conditioner.num_classes is None:
            raise ValueError(f"`guidance` needs a conditioner with `num_classes`. Received: guidance={guidance}")
        self._map = Affine(log_scale_bound)
        self._shape, self._reverse, self._guidance = conditioner.event_shape, bool(reverse), float(guidance)
        super().__init__(forward_min_event_ndims=2, event_shape=self._shape, parameters=parameters, name=name)
        self._compiled = precision.Compiled(self._token_by_token)
        self.conditioner = self.track_layer(conditioning.built(conditioner, self._shape))

    def inverse_and_log_det(self, y, context=None):
        flat = self._flat(y, context)
        with precision.applied_to(self.conditioner):
            shift, log_scale = self._split(self.conditioner(self._conditioner_inputs(*flat)), y.dtype)
        x, log_derivative = unscaled(flat[0], shift, log_scale)
        return self._shaped(x, tf.reduce_sum(log_derivative, axis=[1, 2]), y)

    def forward_and_log_det(self, x, context=None):
        with precision.applied_to(self.conditioner):
            flat = self._flat(x, context)
            unrolled = self.writes_out(self._shape[0], *flat)
            found = self._token_by_token(*flat, unrolled=True) if unrolled else self._compiled(*flat)
            return self._shaped(*found, x)

    def _token_by_token(self, x, context, unrolled=False):
        steps = self.conditioner.token_by_token(self._conditioner_inputs(x, context))

        def step(t, token, found_before, state):
            raw, state = steps(t, self._repeated(found_before), state)
            token, log_derivative = scaled(token, *self._split(raw, x.dtype))
            return token, tf.reduce_sum(log_derivative, axis=-1), state

        found, log_det = conditioning.one_after_another(
            tf.transpose(x, [1, 0, 2]), step, steps.start, unrolled=unrolled
        )
        return tf.transpose(found, [1, 0, 2]), log_det

    def _split(self, raw, dtype):
        """Shift and log-scale from what the conditioner returns, guided."""
        shift, raw = tf.split(tf.cast(raw, dtype), 2, axis=-1)
        log_scale = self._map.log_scale(raw)
        if not self._guidance:
            return shift, log_scale
        halves = (tf.split(each, 2, axis=0) for each in (shift, log_scale))
        return tuple(with_it + self._guidance * (with_it - without) for with_it, without in halves)

    def _repeated(self, x):
        """With guidance, once with the label and once without."""
        return tf.concat([x, x], axis=0) if self._guidance else x

    def _conditioner_inputs(self, x, context):
        if context is None:
            return x
        labels = tf.concat([context, -tf.ones_like(context)], axis=0) if self._guidance else context
        return [self._repeated(x), labels]

    def _flat(self, x, context):
        """Events with one batch axis, their tokens in order, and the context or `None`."""
        flat = conditioning.inputs(self.conditioner, x, context, event_ndims=2)
        x, context = (flat, None) if context is None else flat
        return self._ordered(x), context

    def _shaped(self, x, log_det, like):
        return shapes.with_batch_of(like, self._ordered(x), log_det, event_ndims=2)

    def _ordered(self, x):
        return tf.reverse(x, axis=[1]) if self._reverse else x
