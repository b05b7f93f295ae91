"""Constructor arguments of Keras layers and models, as a `.keras` file holds them."""

import inspect

import keras
import numpy as np
import tensorflow_probability as tfp

from tfflows.joint import serialization

_TFP_KINDS = (tfp.bijectors.Bijector, tfp.distributions.Distribution)


def written(arguments):
    """A config: numbers, strings, sequences of such; Keras objects, functions and TFP's distributions as configs.

    Args:
      arguments: dict, by the name of the constructor's argument.
    """
    return {name: _written(value) for name, value in arguments.items()}


def read(config):
    """The arguments that `written` described; weights are fresh."""
    return {name: _read(value) for name, value in config.items()}


def _written(value):
    if isinstance(value, (list, tuple)):
        return [_written(each) for each in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, _TFP_KINDS):
        return serialization.serialize(value)
    if inspect.isfunction(value):
        return keras.activations.serialize(value)
    return keras.saving.serialize_keras_object(value)


def _read(value):
    if not isinstance(value, dict):
        return value
    return keras.saving.deserialize_keras_object(value) if "class_name" in value else serialization.deserialize(value)


class ConfiguredLayer(keras.layers.Layer):
    """A layer that keeps every argument of its constructor as an attribute of that name, from which its config follows.

    Subclasses say in `kept_arguments` what they keep in another form; classes outside of this package add their own
    arguments to `get_config`. In the signature of a constructor the keywords of its base stand for the `**kwargs` that
    hand them on.
    """

    _kept = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):
            return
        own, base = (list(inspect.signature(each.__init__).parameters.values()) for each in (cls, cls.__base__))
        names = [each.name for each in own]
        if cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
            kept = [name for name in names[1:-1] if name != "dtype"]  # between `self` and `**kwargs`
            cls._kept = tuple(dict.fromkeys([*cls._kept, *kept]))
        if own[-1].kind == inspect.Parameter.VAR_KEYWORD and cls.__base__ is not ConfiguredLayer:
            keyword = inspect.Parameter.KEYWORD_ONLY
            handed_on = [each for each in base if each.kind == keyword and each.name not in names]
            cls.__init__.__signature__ = inspect.Signature([*own[:-1], *handed_on, own[-1]])

    def kept_arguments(self):
        """What the constructor was given, by name; Keras's own arguments left out."""
        return {name: getattr(self, name) for name in self._kept}

    def get_config(self):
        return {**super().get_config(), **written(self.kept_arguments())}
