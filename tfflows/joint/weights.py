"""Every weight in any tree of bijectors and distributions, seen by Keras and by TFP alike."""

import keras
import tensorflow as tf
from tensorflow.python.eager.record import VariableWatcher

from tfflows.joint import trainable
from tfflows.joint.keras_bijector import KerasBijector


def keras_layers_of(root):
    """Every Keras layer held anywhere in a tree of bijectors and distributions, in a fixed order, each once."""
    layers = {}
    for module in (root, *root.submodules):
        found = module.keras_layers if isinstance(module, KerasBijector) else _layers_in(vars(module))
        layers.update((id(layer), layer) for layer in found)
    return list(layers.values())


def weights_of(root):
    """Every weight of a tree of bijectors: those of its Keras layers, then raw `tf.Variable`s of native parts."""
    weights = [v for layer in keras_layers_of(root) for v in layer.variables]
    owned = {id(v.value) for v in weights}
    return weights + [v for v in root.variables if id(v) not in owned]


def _layers_in(value):
    """Keras layers in an attribute, or in lists, tuples and dicts of it."""
    if isinstance(value, keras.layers.Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [layer for each in value for layer in _layers_in(each)] if isinstance(value, (list, tuple)) else []


class AdoptedVariables(keras.layers.Layer):
    """Shows `tf.Variable`s of native TFP objects to Keras: the same variables, no copies."""

    def __init__(self, variables, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.adopted = [
            keras.Variable(variable, trainable=variable.trainable, autocast=False, name=f"variable_{i}")
            for i, variable in enumerate(variables)
        ]
        self.built = True


def adopt(root, owner=None):
    """Shows every weight of a tree to both worlds: the Keras layers that hold them all, raw `tf.Variable`s included.

    Args:
      root: bijector or distribution.
      owner: the model that trains it, if one does: while that is frozen, so are its weights.

    Raises:
      ValueError: a layer in the tree is not built, or TFP was given a `keras.Variable`, whose value it has copied.
    """
    layers = keras_layers_of(root)
    for layer in layers:
        unbuilt = [each.name for each in layer._flatten_layers() if not each.built]
        if unbuilt:
            raise ValueError(f"Every layer of a flow must be built. Received: {layer.name} with unbuilt {unbuilt}")
    for module in (root, *root.submodules):
        if not isinstance(module, KerasBijector):
            for name, value in (getattr(module, "parameters", None) or {}).items():
                if isinstance(value, keras.Variable):  # a constant by now: neither trained nor read again
                    raise ValueError(
                        f"`{name}` of {type(module).__name__} must be a tf.Variable, such as the `value` of a "
                        f"keras.Variable. Received: the keras.Variable {value.path}"
                    )
            if found := _layers_in(vars(module)):
                module._keras_weights = [v.value for layer in found for v in layer.variables]
    raw = [v for v in weights_of(root) if isinstance(v, tf.Variable)]
    layers = [*layers, AdoptedVariables(raw, name="tfp_variables")] if raw else layers
    trainable.show([v for layer in layers for v in layer.variables], owner)
    return layers


def unseen(variables, root, used=()):
    """The weights that Keras and TFP do not see alike: a dict from what is wrong to dicts from `id`s to names.

    Args:
      variables: the variables that a Keras model sees of the distribution it holds.
      root: that distribution.
      used: `tf.Variable`s that a log-probability was seen to read.
    """
    keras_sees = {id(v.value): v.path for v in variables if isinstance(v, keras.Variable)}
    keras_sees |= {id(v): v.name for v in variables if not isinstance(v, keras.Variable)}
    tfp_sees = {id(v): v.name for v in root.variables}
    reads = {id(v): v.name for v in used}
    missing = {
        "seen by TFP but not by Keras": {i: n for i, n in tfp_sees.items() if i not in keras_sees},
        "seen by Keras but not by TFP": {i: n for i, n in keras_sees.items() if i not in tfp_sees},
        "read by log_prob but seen by neither": {
            i: n for i, n in reads.items() if i not in keras_sees and i not in tfp_sees
        },
    }
    return {what: names for what, names in missing.items() if names}


def audit(variables, root, used=()):
    """Checks that Keras and TFP see the same weights; for the arguments see `unseen`.

    Raises:
      ValueError: naming every weight that one side misses.
    """
    missing = unseen(variables, root, used)
    if missing:
        found = "; ".join(f"{what}: {sorted(names.values())}" for what, names in missing.items())
        raise ValueError(
            "Every weight of a flow must be seen by Keras and by TFP alike, else it is not trained or not saved. "
            f"Received a flow with weights {found}. A layer hidden in a function or closure is the usual cause: "
            "pass the layer itself, or write a tfflows.joint.KerasBijector."
        )


# A context manager whose `watched_variables()` are the trainable variables that were read inside. A gradient tape would
# tell the same, but make every function that is called build its gradient.
variables_read = VariableWatcher
