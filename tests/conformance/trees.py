"""The bijectors and the weights of a tree, and a step of them all."""

import contextlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint.weights import keras_layers_of


def modules(root):
    """All bijectors of a tree."""
    return [each for each in (root, *root.submodules) if isinstance(each, tfp.bijectors.Bijector)]


def named_weights(root, *, trainable=True):
    """Every weight of a tree by name."""
    named = {f"{v.path}/{id(v.value)}": v.value for each in keras_layers_of(root) for v in each.variables}
    owned = {id(v) for v in named.values()}
    named.update((f"{v.name}/{id(v)}", v) for v in root.variables if id(v) not in owned)
    return {name: v for name, v in named.items() if v.trainable or not trainable}


def nudge(root, seed=3, by=0.1):
    """Writes every trainable weight, as an optimizer step does."""
    rng = np.random.default_rng(seed)
    for variable in named_weights(root).values():
        variable.assign_add(tf.constant(by * rng.normal(size=variable.shape), variable.dtype))


@contextlib.contextmanager
def restored(root):
    """Puts every weight of a tree back at the end."""
    values = [(variable, variable.numpy()) for variable in named_weights(root, trainable=False).values()]
    try:
        yield root
    finally:
        for variable, value in values:
            variable.assign(value)
