"""Where a gradient stopped being finite, though the loss was: the example and the layer."""

import functools

import numpy as np
import tensorflow as tf

from tfflows.fitting import bad_losses


def of_flow(model, stream):
    """In words: the first example of what `fit` was given whose gradient is not finite, and the part that has it so."""
    values, where = (functools.partial(each, model) for each in (_first_of, _link))
    return bad_losses.first_example(stream, values, where)


def of_weights(model, bad):
    """In words: in which layer of a Keras model weights are not finite, of those nearest to the loss.

    A gradient goes from the loss through the layers, the last first, and is not finite from one of them on: of the
    layers with bad weights that is the last, or one after it that has none.

    Args:
      model: Keras model.
      bad: list of variables, weights or what an optimizer keeps of them.
    """
    weights = model.trainable_weights
    places = {id(v): i for i, v in enumerate(weights)}
    found = [places[id(v)] for v in bad if id(v) in places]
    if not found:
        return f"{len(bad)} variables that are no trained weights, such as {bad[0].path}"
    if len(found) == len(weights) > 1:
        where = f"it began behind the last, {weights[-1].path}, or gradients are clipped by a norm"
        return f"all {len(weights)} weights: {where}"
    layers = [layer for layer in model._flatten_layers() if layer is not model and not layer._layers]
    names = [layer.name for layer in layers if {id(v) for v in layer.variables} & {id(v) for v in bad}]
    last = weights[max(found)]
    return f"{len(found)} of {len(weights)} weights, of {', '.join(dict.fromkeys(names))}; the last is {last.path}"


def _first_of(model, x, context):
    """Zeros `[batch]`, NaN for the first event with a gradient that is not finite."""
    values, low, high = np.zeros(len(x)), 0, len(x)
    if not _bad(model, x, context):
        return values
    while high - low > 1:
        middle = (low + high) // 2
        part = x[low:middle], None if context is None else context[low:middle]
        low, high = (low, middle) if _bad(model, *part) else (middle, high)
    values[low] = np.nan
    return values


def _bad(model, x, context):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model.log_prob(x, context, seed=0))
    return not _finite(tape.gradient(total, model.trainable_variables))


def _link(model, x, context):
    """The bijector nearest to the base through which the gradient of one event is not finite any more, or the base."""
    x = bad_losses.reals(model, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        values, total = [x], 0.0
        links, answers = bad_losses.parts(model, x, context)
        for value, log_det in answers:
            tape.watch(value)
            values.append(value)
            total += tf.reduce_sum(log_det)
        total += tf.reduce_sum(model.distribution.distribution.log_prob(values[-1]))
    if not _finite(tape.gradient(total, values[-1:])):
        return "the base distribution"
    for link, value in zip(links[::-1], values[-2::-1]):
        if not _finite(tape.gradient(total, [value, *link.trainable_variables])):
            return f"the bijector {link.name!r}"
    return "a part that is no bijector"


def _finite(gradients):
    return all(np.isfinite(each).all() for each in gradients if each is not None)
