"""Factoring out channels: the multi-scale architecture."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import arguments
from tfflows.joint import composition

tfb = tfp.bijectors


class FactorOut(composition.Composite):
    """A bijector of the first channels; the others are left as they are: factored out of what follows.

    With `x = [a, b]`, `a` the first `num_kept` entries of the last axis:

    * forward: `y = [bijector.forward(a), b]`
    * inverse: `x = [bijector.inverse(y_a), y_b]`
    * log-det: that of `bijector`

    A multi-scale flow is this, nested: `Chain([Squeeze(), *steps, prior, FactorOut(next_scale, n), Invert(Squeeze())])`
    where `prior` is an `AffineCoupling` that copies `a` and shifts and scales `b`, so that `b` has the learned Gaussian
    prior of Glow given `a`. All latents keep the shape of the image, and the base is one standard normal.

    `event_ndims`: that of `bijector`, which must keep the shape of its events. Cost: that of `bijector`, and a copy.

    Args:
      bijector: of events `[..., num_kept]`, tfflows or native.
      num_kept: int, channels it transforms.

    Raises:
      TypeError: a `bijector` that is not one.
      ValueError: `num_kept` below 1, events with no channel more than that, or a bijector that changes the shape.

    Example:

    >>> import tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.bijectors import FactorOut
    >>> doubled = FactorOut(tfp.bijectors.Scale(2.0), 1)
    >>> doubled.forward(tf.constant([[1.0, 1.0, 1.0]])).numpy().tolist()
    [[2.0, 1.0, 1.0]]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803, equations 14 to 16.
    """

    def __init__(self, bijector, num_kept, *, name="factor_out"):
        parameters = dict(locals())
        if not isinstance(bijector, tfb.Bijector):
            raise TypeError(f"`bijector` must be a tfp.bijectors.Bijector. Received: {bijector!r}")
        arguments.check_integer(num_kept=num_kept)
        ndims = max(1, bijector.forward_min_event_ndims)
        if bijector.forward_event_ndims(ndims) != ndims:
            raise ValueError(f"`bijector` must keep the rank of its events. Received: {bijector.name}")
        super().__init__(forward_min_event_ndims=ndims, parameters=parameters)
        self._bijector, self._num_kept = bijector, num_kept

    @property
    def bijector(self):
        """The bijector of the kept channels."""
        return self._bijector

    @property
    def parts(self):
        return [self._bijector]

    def adapt(self, y, context=None):
        """Initialises the bijector from the kept channels; returns `inverse(y)`."""
        a, b = self._split(y)
        return tf.concat([composition.adapt(self._bijector, a, context), b], axis=-1)

    def walk(self, x, context, *, forward):
        a, b = self._split(x)
        ndims = self.forward_min_event_ndims
        c, log_det, _ = composition.evaluate(self._bijector, a, ndims, context, forward=forward)
        if not c.shape[-ndims:].is_compatible_with(a.shape[-ndims:]):
            raise ValueError(f"`bijector` must keep the shape of its events. Received: {a.shape} made {c.shape}")
        return tf.concat([c, b], axis=-1), log_det

    def _split(self, x):
        rest = x.shape[-1] - self._num_kept
        if rest < 1:
            raise ValueError(f"{self.name} expects more than {self._num_kept} channels. Received: shape {x.shape}")
        return tf.split(x, [self._num_kept, rest], axis=-1)
