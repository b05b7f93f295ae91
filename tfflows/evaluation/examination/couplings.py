"""Whether what a coupling's, or an autoregressive layer's, network sees makes a difference, or ever will."""

import copy

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijectors import Autoregressive, Coupling
from tfflows.evaluation.examination.finding import error
from tfflows.evaluation.examination.walk import REFUSALS

DEAD = "dead coupling"
_SAME = 1e-6  # relative, of parameters that do not differ from example to example
_STEP = 0.05  # of the largest entry of a step along a gradient


class _Recorder:
    """In the place of an elementwise map: keeps the parameters that it is given."""

    def __init__(self, map_):
        self.map, self.num_parameters, self.given = map_, map_.num_parameters, None

    def forward(self, x, *parameters):
        self.given = parameters
        return self.map.forward(x, *parameters)

    def inverse(self, y, *parameters):
        self.given = parameters
        return self.map.inverse(y, *parameters)


def parameters(layer):
    """The parameters that the network of a layer gives for its batch, a tuple; `None` of layers without such."""
    core = layer.core
    if not isinstance(core, (Coupling, Autoregressive)) or layer.x is None:
        return None
    seen, recorder = copy.copy(core), _Recorder(core.map)
    seen.map = recorder
    latents, data = (layer.x, layer.y) if core is layer.bijector else (layer.y, layer.x)
    try:
        if getattr(core, "parallel", "inverse") == "forward":  # the direction of one pass
            seen.forward_and_log_det(latents, context=layer.context)
        else:
            seen.inverse_and_log_det(data, context=layer.context)
    except REFUSALS:
        return None
    return recorder.given


def examine(layer):
    """Networks start at 0, so that the layer starts as the identity, and learn not to.

    Dead is a layer whose network gives every example the same and still does after a step that changes it most: along
    the gradient of a random sum of all that it gives. That is so of units that are never active, of inputs that are
    masked out, of weights that are all 0.
    """
    if len(layer.y) < 2 or np.prod(layer.y.shape[1:]) < 2 or _spread(layer.y) == 0:
        return
    if (given := parameters(layer)) is None or _varies(given):
        return
    network = layer.core.conditioner
    weights = network.trainable_variables
    with tf.GradientTape() as tape:
        given = parameters(layer)
        seeds = [tf.constant([0, i]) for i in range(len(given))]
        random = [tf.random.stateless_normal(each.shape, seed, dtype=each.dtype) for each, seed in zip(given, seeds)]
        total = sum(tf.reduce_sum(a * b) for a, b in zip(random, given))
    gradients = tape.gradient(total, [v.value for v in weights], unconnected_gradients="zero")
    largest = max((float(np.max(np.abs(each))) for each in gradients), default=0.0)
    scope = keras.StatelessScope()
    for variable, gradient in zip(weights, gradients):
        scope.add_update((variable, variable.value + _STEP * gradient / largest if largest else variable.value))
    with scope:
        moved = parameters(layer)
    if moved is None or _varies(moved):
        return
    value = np.max(np.abs(given[0]))
    found = f"the same parameters (up to {value:.2g}) for all {len(layer.y)} examples, also after a step of training"
    yield error(DEAD, layer.name, "a network whose answers depend on what it sees", found)


def _varies(given):
    return any(_spread(each) > _SAME * max(1.0, float(np.max(np.abs(each)))) for each in given)


def _spread(values):
    """The largest difference between examples, of any entry."""
    return float(np.max(np.ptp(np.asarray(values), axis=0)))
