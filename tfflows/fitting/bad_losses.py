"""Where a loss stopped being finite: the example and the layer."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import Chain
from tfflows.datasets import batching
from tfflows.fitting import inputs
from tfflows.joint import composition

_BATCH = 256


def not_finite(model, stream):
    """In words: the first example whose log-probability is not finite, and the link in which it is no more.

    Args:
      model: `FlowModel`.
      stream: what `fit` was given: `x` or `(x, context)` as arrays, or a `tf.data.Dataset`, which is read again.
    """
    arrays = stream if isinstance(stream, tuple) else (stream,)
    if isinstance(stream, tf.data.Dataset) or inputs.is_array(arrays[0]):
        done = 0
        for batch in stream if isinstance(stream, tf.data.Dataset) else batching.in_order(arrays, _BATCH):
            x, context, _ = inputs.split(batch)
            bad = ~np.isfinite(model.log_prob(x, context, seed=0))
            if bad.any():
                i = int(bad.argmax())
                one = (part if part is None else part[i : i + 1] for part in (x, context))
                return f"example {done + i}, in {_link(model, *one)}"
            done += len(bad)
    return "an example with noise, a precision or an order of its own: in the same data again all are finite"


def _link(model, x, context):
    if x.dtype.is_integer:
        x = model.dequantization(x, seed=0)[0]
    x, ndims = tf.cast(x, model.distribution.dtype), len(model.event_shape)
    context = model._context_tensor(context)
    links = getattr(model.bijector, "bijectors", [model.bijector])
    if isinstance(model.bijector, Chain):  # which standardises the context
        answers = model.bijector.evaluated(x, context, forward=False)
    else:
        answers = _one_by_one(links, x, ndims, context)
    for link, found in zip(links, answers):
        if not all(np.isfinite(each).all() for each in found):
            return f"the bijector {link.name!r}"
    return "the base distribution"


def _one_by_one(links, x, ndims, context):
    for link in links:
        x, log_det, ndims = composition.evaluate(link, x, ndims, context, forward=False)
        yield x, log_det
