"""The log-probability of each example, of reals or of integers, under any density."""

import math

import numpy as np
import scipy.special
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.datasets import Dataset
from tfflows.evaluation.densities import ScikitLearnDensity, as_model
from tfflows.evaluation.discrete_likelihood import log_weights
from tfflows.evaluation.likelihood import log_probs

_WITHOUT_CONTEXT = (tfp.distributions.Distribution, ScikitLearnDensity)


def log_prob_of_each(model, x, context=None, *, num_draws=1, seed=0, batch_size=None, impossible=False):
    """Nats of each example: float64 `[n]`, the same for the same seed.

    Of integers, and of a model with `log_weights`, it is the importance-weighted lower bound of their log-probability
    (`importance_weighted`) from `num_draws` draws. A density of reals has them in units of one level. A TFP
    distribution over integers is taken as it is.

    Args:
      model: anything that `as_model` takes. One that says that it is not `conditional`, a TFP
        distribution and an estimator of scikit-learn are asked without the context.
      x: array `[n, *event_shape]`.
      context: array `[n, ...]` or `None`.
      num_draws: int.
      seed: int.
      batch_size: int or `None`, as in `negative_log_likelihood`.
      impossible: bool, whether values may be `-inf`, outside of the support.
    """
    x = np.asarray(x)
    model = as_model(model)
    weighs = hasattr(model, "log_weights")
    if not getattr(model, "conditional", not isinstance(model, _WITHOUT_CONTEXT)):
        context = None
    options = {"batch_size": batch_size, "impossible": impossible}
    dtype = getattr(model, "dtype", None)
    exact = x.dtype.kind not in "iu" or (isinstance(dtype, tf.DType) and dtype.is_integer)
    if exact and not weighs:
        return log_probs(model, x, context, **options)
    data = x if weighs else _integers(x, context)
    if context is not None:
        options["with_context"] = True
    drawn = log_weights(model, data, "test", num_draws, seed=seed, **options)
    return scipy.special.logsumexp(drawn, axis=1) - math.log(num_draws)


def _integers(x, context):
    """Integers, and their context, as a data set."""
    if not x.size:
        raise ValueError(f"At least one example is needed. Received: shape {x.shape}")
    options = {"discrete_levels": max(2, int(x.max()) + 1)}
    if context is None:
        return Dataset("integers", x, x, x, **options)
    context = np.asarray(context)
    if context.dtype.kind in "iu":
        options["num_classes"] = int(context.max()) + 1
    return Dataset("integers", x, x, x, context, context, context, **options)
