"""How exactly a flow gives back what it was given."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfflows.joint import composition
from tfflows.ops import precision


@dataclasses.dataclass(frozen=True, eq=False)
class Reconstruction:
    """Examples after a trip to latent space and back.

    Attributes:
      examples: array `[n, *event_shape]`, `decode(encode(x))`.
      float_errors: array `[n, *event_shape]`, `|forward(inverse(y)) - y|` for the dequantized `y`, before any rounding.
      max_error, mean_error: floats, of `|decode(encode(x)) - x|`, in units of the data (levels of a pixel); of data
        whose levels the flow reduces, the reduction counts.
      max_float_error, mean_float_error: floats, of `float_errors`, in units of the flow's own (reduced) levels.
      count: int, examples.
    """

    examples: np.ndarray
    float_errors: np.ndarray
    max_error: float
    mean_error: float
    max_float_error: float
    mean_float_error: float
    count: int


def reconstruct(model, x, context=None, *, seed=0):
    """Examples through `decode(encode(x))`, and the errors of it and of the bijector.

    Args:
      model: anything with `encode(x[, context], seed=)`, `decode(z[, context])`, `bijector`, and a `dequantization`
        that may be `None`.
      x: array `[n, *event_shape]`, of a size that fits into memory at once.
      context: array `[n, ...]` or `None`.
      seed: int, of the noise of dequantization.

    Returns:
      `Reconstruction`.

    Example:

    >>> import numpy as np
    >>> from tfflows import evaluation
    >>> from tfflows.models import RealNVP
    >>> flow = RealNVP(image_shape=(4, 4, 1), num_levels=1, num_blocks=1, hidden_filters=4)
    >>> found = evaluation.reconstruct(flow, np.arange(32, dtype="uint8").reshape(2, 4, 4, 1))
    >>> found.max_error, found.max_float_error < 1e-2
    (0.0, True)
    """
    x = np.asarray(x)
    if not len(x):
        raise ValueError(f"At least one example is needed. Received: shape {x.shape}")
    given = () if context is None else (np.asarray(context),)
    latents = model.encode(x, *given, seed=seed)
    examples = np.asarray(model.decode(latents, *given))
    dequantization = getattr(model, "dequantization", None)
    y = tf.convert_to_tensor(x) if dequantization is None else dequantization(x, seed=seed)[0]
    y = tf.cast(y, latents.dtype)  # what the flow computes in, not the rows
    kwargs = composition.context_kwargs(model.bijector, tf.convert_to_tensor(given[0]) if given else None)
    with precision.full():  # new tensors, so that no cache answers with what it was given
        z = tf.identity(model.bijector.inverse(tf.identity(y), **kwargs))
        back = np.asarray(model.bijector.forward(z, **kwargs), np.float64)
    error = np.abs(examples.astype(np.float64) - x.astype(np.float64))
    float_errors = np.abs(back - np.asarray(y, np.float64))
    measured = [float(each) for errors in (error, float_errors) for each in (errors.max(), errors.mean())]
    return Reconstruction(examples, float_errors, *measured, count=len(x))
