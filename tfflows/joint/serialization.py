"""Bijectors and distributions as JSON-able configs, so that a `.keras` file can hold any TFP flow.

A TFP object knows its constructor arguments (`.parameters`); a config is those arguments, nested. Variables are
stored by shape and dtype only: their values are weights. Objects that occur twice are one object after loading too.
Classes are looked up by public TFP name or among the registered `KerasBijector`s and `ElementwiseMap`s: loading runs no
code from the file.
"""

import inspect
import warnings

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint.keras_bijector import KerasBijector
from tfflows.ops.elementwise import ElementwiseMap

_TFP_HOMES = {"tfb": tfp.bijectors, "tfd": tfp.distributions, "linalg": tf.linalg}
_KINDS = (tfp.bijectors.Bijector, tfp.distributions.Distribution, tf.linalg.LinearOperator)


def serialize(obj):
    """The config of a `tfb.Bijector` or `tfd.Distribution`: nested dicts, lists, numbers and strings.

    Raises:
      TypeError: a part that a file cannot hold (a function, a graph tensor, an unregistered class), named by its
        path in the tree.
    """
    return _Writer().write(obj, type(obj).__name__)


def warn_if_unwritable(obj, name):
    """Warns of a part for which `serialize` would fail, when there is time to build it otherwise."""
    try:
        serialize(obj)
    except (TypeError, NotImplementedError, ValueError) as error:  # the latter two from a layer's `get_config`
        warnings.warn(f"{name} trains, but cannot be saved. {error}", stacklevel=4)


def deserialize(config):
    """The object that `serialize` described, with fresh variables. An unknown class name is a `ValueError`."""
    return _Reader().read(config)


def difference(first, second):
    """Where two configs differ in more than names, seeds and initial values: the path and both sides, or `None`."""
    return _difference(first, second, "", {})


def _difference(first, second, path, renamed):
    if first == second:
        return None
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        if isinstance(first.get("name"), str):  # layers of a functional model are referred to by name
            renamed[first["name"]] = second["name"]
        keys = [key for key in first if key not in ("name", "seed") and not key.endswith("_initializer")]
        pairs = [(first[key], second[key], f"{path}.{key}" if path else key) for key in keys]
    elif isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)) and len(first) == len(second):
        pairs = [(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(first, second))]
    elif isinstance(first, str) and renamed.get(first) == second:
        return None
    else:
        return f"{path}: {_short(first)} and {_short(second)}"
    return next(filter(None, (_difference(a, b, where, renamed) for a, b, where in pairs)), None)


def _short(value):
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class _Writer:
    def __init__(self):
        self._ids, self._keep = {}, []

    def write(self, value, path):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            items = [self.write(each, f"{path}[{i}]") for i, each in enumerate(value)]
            return items if isinstance(value, list) else {"tuple": items}
        if isinstance(value, dict):
            return {"dict": [[key, self.write(each, f"{path}[{key!r}]")] for key, each in value.items()]}
        if isinstance(value, tf.DType):
            return {"dtype": value.name}
        if isinstance(value, tf.TensorShape):
            return {"shape": value.as_list()}
        tensor = isinstance(value, tf.Tensor) and hasattr(value, "numpy")  # an eager one
        if tensor or isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            return {"array": array.tolist(), "of": array.dtype.name, "tensor": tensor}
        if isinstance(value, ElementwiseMap):  # equal ones are one: no identity to keep
            return {"map": value.registered_name(), "parameters": self._arguments(value.parameters, path)}
        if id(value) in self._ids:
            return {"same_as": self._ids[id(value)]}
        self._ids[id(value)] = number = len(self._ids)
        self._keep.append(value)
        return {**self._object(value, path), "id": number}

    def _object(self, value, path):
        if isinstance(value, tf.Variable):
            return {
                "variable": value.shape.as_list(),
                "of": value.dtype.name,
                "trainable": bool(value.trainable),
                "name": value.name.split(":")[0],
            }
        if isinstance(value, keras.layers.Layer):
            return {"layer": keras.saving.serialize_keras_object(value)}
        if isinstance(value, tfp.util.DeferredTensor):
            transform = getattr(value.transform_fn, "__self__", value.transform_fn)  # bijector.forward -> bijector
            parts = {"pretransformed_input": value.pretransformed_input, "transform_fn": transform}
            return {"deferred": [self.write(part, f"{path}.{name}") for name, part in parts.items()]}
        name = _class_name(value)
        if name is None:
            raise TypeError(
                "A flow can be saved if it is built from TFP bijectors and distributions, tfflows bijectors, Keras "
                f"layers, variables and constants. Received: {type(value).__name__} at {path}. "
                "Pass a Keras layer instead of a function; rebuild other objects in code and use save_weights."
            )
        arguments = _without_defaults(type(value), value.parameters)
        return {"class": name, "parameters": self._arguments(arguments, path)}

    def _arguments(self, arguments, path):
        return {name: self.write(value, f"{path}.{name}") for name, value in arguments.items()}


class _Reader:
    def __init__(self):
        self._made = {}

    def read(self, config):
        if isinstance(config, list):
            return [self.read(each) for each in config]
        if not isinstance(config, dict):
            return config
        if "same_as" in config:
            return self._made[config["same_as"]]
        value = self._value(config)
        if "id" in config:
            self._made[config["id"]] = value
        return value

    def _value(self, config):
        if "tuple" in config:
            return tuple(self.read(each) for each in config["tuple"])
        if "dict" in config:
            return {key: self.read(each) for key, each in config["dict"]}
        if "dtype" in config:
            return tf.as_dtype(config["dtype"])
        if "shape" in config:
            return tf.TensorShape(config["shape"])
        if "array" in config:
            array = np.asarray(config["array"], config["of"])
            return tf.constant(array) if config["tensor"] else array[()]
        if "variable" in config:
            zeros = tf.zeros(config["variable"], config["of"])
            return tf.Variable(zeros, trainable=config["trainable"], name=config["name"])
        if "layer" in config:
            return keras.saving.deserialize_keras_object(config["layer"])
        if "deferred" in config:
            source, transform = (self.read(each) for each in config["deferred"])
            return tfp.util.DeferredTensor(source, transform)
        if "map" in config:
            cls = _known(ElementwiseMap.registry, config["map"])
        else:
            cls = _native(config["class"]) or _known(KerasBijector.registry, config["class"])
        return cls(**{name: self.read(value) for name, value in config["parameters"].items()})


def _class_name(value):
    """The public name of the class of `value`, or None. Some TFP classes have a private twin `_Name`."""
    if isinstance(value, KerasBijector):
        return value.registered_name()
    for home in _TFP_HOMES:
        name = f"{home}.{type(value).__name__.lstrip('_')}"
        public = _native(name)
        if public and (issubclass(public, type(value)) or isinstance(value, public)):
            return name if hasattr(value, "parameters") else None
    return None


def _native(name):
    """The class of that name in TFP or `tf.linalg`, or None."""
    home, _, rest = name.partition(".")
    public = getattr(_TFP_HOMES.get(home), rest, None)
    return public if isinstance(public, type) and issubclass(public, _KINDS) else None


def _known(classes, name):
    if name not in classes:
        raise ValueError(
            f"The file names a class that this program does not know: {name}. Import the module that defines it first."
        )
    return classes[name]


def _without_defaults(cls, parameters):
    """Arguments that differ from the constructor's defaults (some defaults are functions, which no file can hold)."""
    signature = inspect.signature(cls.__init__).parameters
    options = issubclass(cls, KerasBijector) and any(each.kind is each.VAR_KEYWORD for each in signature.values())
    return {
        name: value
        for name, value in parameters.items()
        if (signature[name].default is not value if name in signature else options) and name != "graph_parents"
    }
