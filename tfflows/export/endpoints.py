"""What a model does when it is served, in any format."""

import dataclasses
import pathlib
from collections.abc import Callable

import tensorflow as tf

from tfflows.arguments import check_export, did_you_mean
from tfflows.export import converted, saved_model

SEED = tf.TensorSpec([2], tf.int32, name="seed")
TEMPERATURE = tf.TensorSpec([], tf.float32, name="temperature")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A function that is served.

    Attributes:
      function: of tensors; those with a default, a tensor, may be left out by clients of a SavedModel.
      signature: the `tf.TensorSpec`s of its arguments.
      example: function that gives arrays to try it on; `None` of one that draws random numbers, which only a SavedModel
        holds.
    """

    function: Callable
    signature: list
    example: Callable | None = None


def count(name):
    """The signature of a number of draws."""
    return tf.TensorSpec([], tf.int32, name=name)


def defaults():
    """The default tensors of a seed, which stands for a random one, and of a temperature."""
    return tf.constant([saved_model.DRAWN] * 2, tf.int32), tf.constant(1.0)


def write(model, known, path, *, format="tf_saved_model", endpoints=None, verbose=False, opset_version=None):
    """Writes those of the endpoints `known`, a dict of `Endpoint`s by their names, that are asked for.

    Args:
      model: Keras model whose endpoints they are.
      path, format, endpoints, verbose, opset_version: as in `export_flow`.
    """
    path = pathlib.Path(path)
    check_export(format, path)
    held = [name for name, endpoint in known.items() if format == "tf_saved_model" or endpoint.example]
    if endpoints is None:
        endpoints = held if format == "tf_saved_model" else held[:1]
    chosen = [endpoints] if isinstance(endpoints, str) else list(dict.fromkeys(endpoints))
    for name in chosen:
        if name not in known:
            raise ValueError(f"`endpoints` must be among {list(known)}.{did_you_mean(name, known)} Received: {name!r}")
        if name not in held:
            raise ValueError(f"{format} holds {held}: it has no random numbers. Received: endpoint {name!r}")
    if not chosen:
        raise ValueError(f"`endpoints` must name at least one of {held}. Received: {endpoints!r}")
    if opset_version is not None and format not in ("onnx", "openvino"):
        raise ValueError(f"`opset_version` is of ONNX. Received: {opset_version!r} with format={format!r}")
    chosen = {name: known[name] for name in chosen}
    if format == "tf_saved_model":
        functions = {
            name: tf.function(each.function, input_signature=each.signature, autograph=False)
            for name, each in chosen.items()
        }
        first = next(iter(functions.values()))
        signatures = {**functions, "serving_default": first}
        saved_model.save({**functions, "serve": first}, model.variables, path, signatures)
    else:
        converted.write(model.name, chosen, path, format, opset_version=opset_version)
    if verbose:
        for name, endpoint in chosen.items():
            print(name, [f"{spec.name}{spec.shape} {spec.dtype.name}" for spec in endpoint.signature])
