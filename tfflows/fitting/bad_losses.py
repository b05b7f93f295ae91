"""Where a loss stopped being finite: the example and the layer."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import Chain
from tfflows.datasets import batching
from tfflows.fitting import inputs
from tfflows.joint import composition

_BATCH = 256


def first_example(stream, values, where):
    """In words: the first example for which a function is not finite, and the part in which it is no more.

    Args:
      stream: what `fit` was given: `x` or `(x, context)` as arrays, or a `tf.data.Dataset`, which is read again.
      values: function of events and context that gives numbers `[batch]`.
      where: function of one event and its context that names the part.
    """
    arrays = stream if isinstance(stream, tuple) else (stream,)
    if isinstance(stream, tf.data.Dataset) or inputs.is_array(arrays[0]):
        done = 0
        for batch in stream if isinstance(stream, tf.data.Dataset) else batching.in_order(arrays, _BATCH):
            x, context, _ = inputs.split(batch)
            bad = ~np.isfinite(values(x, context))
            if bad.any():
                i = int(bad.argmax())
                one = (part if part is None else part[i : i + 1] for part in (x, context))
                return f"example {done + i}, in {where(*one)}"
            done += len(bad)
    return "an example with noise, a precision or an order of its own: in the same data again all are finite"


def link(model, x, context):
    """The name of the bijector of a flow that maps an event to numbers which are not finite, or of the base."""
    links, answers = parts(model, reals(model, x), context)
    names = (f"the bijector {link.name!r}" for link in links)
    return first_part(zip(names, answers)) or "the base distribution"


def reals(model, x):
    """Events as the bijector of a flow takes them, levels with noise."""
    x = model.dequantization(x, seed=0)[0] if x.dtype.is_integer else x
    return tf.cast(x, model.distribution.dtype)


def parts(model, x, context):
    """The links of a flow's bijector, data end first, and an iterator of value and log-det of the inverse of each."""
    context, links = model._context_tensor(context), getattr(model.bijector, "bijectors", [model.bijector])
    if isinstance(model.bijector, Chain):  # which standardises the context
        return links, model.bijector.evaluated(x, context, forward=False)
    return links, _one_by_one(links, x, len(model.event_shape), context)


def first_part(parts):
    """The first name, of pairs of a name and what that part gives, for which some tensor is not finite, or `None`."""
    return next((name for name, found in parts if not all(np.isfinite(each).all() for each in found)), None)


def _one_by_one(links, x, ndims, context):
    for link in links:
        x, log_det, ndims = composition.evaluate(link, x, ndims, context, forward=False)
        yield x, log_det
