"""Directions of latent space in which an attribute of examples changes."""

import numpy as np

from tfflows.evaluation import draws


def attribute_direction(model, x, has, context=None, *, seed=0):
    """The mean latent of the examples that have an attribute minus that of those that have it not.

    Args:
      model: anything with `encode(x[, context], seed=)`.
      x: array `[n, *event_shape]`.
      has: booleans `[n]`: whether an example has the attribute; some have, some have not.
      context: `[n, ...]`, of a conditional model; `None` otherwise.
      seed: int, of the noise of dequantization.

    Returns:
      Array `[*latent_shape]`, for `attribute_traversal`.

    Raises:
      TypeError: a model without `encode`, an attribute that is not a boolean.
      ValueError: none that have it or none that have it not, another number of examples, latents that are not finite.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows import evaluation, models
    >>> base = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> flow = models.FlowModel(tfp.distributions.TransformedDistribution(base, tfp.bijectors.Scale(2.0)))
    >>> x = np.array([[0, 0], [2, 0], [0, 4], [2, 4]], "float32")
    >>> direction = evaluation.attribute_direction(flow, x, x[:, 1] > 0)
    >>> direction.tolist(), evaluation.attribute_traversal(flow, x[:1], direction, [0, 1]).tolist()
    ([0.0, 2.0], [[[0.0, 0.0], [0.0, 4.0]]])

    References:
      Kingma, Dhariwal. Glow. 2018, arXiv 1807.03039, section 6 (semantic manipulation).
    """
    z, has = _encoded(model, x, context, seed), np.asarray(has)
    if has.dtype != bool:
        raise TypeError(f"`has` must hold booleans. Received: dtype {has.dtype}")
    if has.shape != (len(z),) or has.all() or not has.any():
        raise ValueError(
            f"`has` must say of each of {len(z)} examples whether it has the attribute; some must, some must not. "
            f"Received: shape {has.shape}, {int(has.sum())} that have it"
        )
    return (z[has].mean(axis=0, dtype=np.float64) - z[~has].mean(axis=0, dtype=np.float64)).astype(z.dtype)


def attribute_traversal(model, x, direction, steps, context=None, *, seed=0):
    """Examples with more and less of an attribute: decoded latents `z + step * direction`.

    Args:
      model: anything with `encode(x[, context], seed=)` and `decode(z[, context])`.
      x: array `[n, *event_shape]`.
      direction: array `[*latent_shape]`, of `attribute_direction`.
      steps: floats `[s]`; 1 is the whole difference of the means, 0 the example.
      context, seed: as there.

    Returns:
      Array `[n, s, *event_shape]`.

    Raises:
      TypeError: a model without `encode` or `decode`.
      ValueError: a direction of another shape than the latents, no steps, latents that are not finite.
    """
    if not callable(getattr(model, "decode", None)):
        raise TypeError(f"`model` must have `decode`. Received: {type(model).__name__}")
    z, steps, direction = _encoded(model, x, context, seed), np.asarray(steps, np.float64), np.asarray(direction)
    if direction.shape != z.shape[1:] or steps.ndim != 1 or not len(steps):
        raise ValueError(
            f"`direction` must have the shape of latents, {z.shape[1:]}, and `steps` hold numbers. Received: shapes "
            f"{direction.shape} and {steps.shape}"
        )
    moved = z[:, None] + steps.reshape(-1, *[1] * direction.ndim) * direction
    given = () if context is None else (np.repeat(np.asarray(context), len(steps), axis=0),)
    found = np.asarray(model.decode(moved.reshape(-1, *direction.shape).astype(z.dtype), *given))
    return found.reshape(len(z), len(steps), *found.shape[1:])


def _encoded(model, x, context, seed):
    if not callable(getattr(model, "encode", None)):
        raise TypeError(f"`model` must have `encode`. Received: {type(model).__name__}")
    x = np.asarray(x)
    if x.ndim < 2 or not len(x):
        raise ValueError(f"`x` must be examples [n, ...], at least one. Received: shape {x.shape}")
    z = np.asarray(model.encode(x, *(() if context is None else (np.asarray(context),)), seed=seed))
    draws.check_finite(z, "Latents")
    return z
