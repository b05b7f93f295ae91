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
    """A Keras layer that keeps the arguments of its constructors once: as attributes, from which the config follows.

    In the signature of a constructor the keywords of its base stand for the `**kwargs` that hand them on.
    """

    _kept = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls) and cls.__base__ is not ConfiguredLayer:
            own, base = (inspect.signature(each.__init__).parameters for each in (cls, cls.__base__))
            keyword = inspect.Parameter.KEYWORD_ONLY
            handed_on = [each for each in base.values() if each.kind == keyword and each.name not in own]
            *explicit, last = own.values()
            if last.kind == inspect.Parameter.VAR_KEYWORD:
                cls.__init__.__signature__ = inspect.Signature([*explicit, *handed_on, last])

    def keep(self, **arguments):
        """Makes each argument an attribute of that name, and an entry of the config."""
        for name, value in arguments.items():
            setattr(self, name, value)
        self._kept = (*self._kept, *arguments)

    def get_config(self):
        return {**super().get_config(), **written({name: getattr(self, name) for name in self._kept})}
