"""What the layers of this room are saved as: the arguments of their constructors."""

import inspect

import keras

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class ConfiguredLayer(keras.layers.Layer):
    """A layer that keeps every argument of its constructor as an attribute of that name, and has these as its config.

    Subclasses overwrite in `get_config` what is kept in another form. Classes outside of this package add their own.
    """

    def get_config(self):
        values = {name: getattr(self, name) for name in _arguments(type(self))}
        return {**super().get_config(), **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


def _arguments(cls):
    """Names of the arguments of a class and of its bases in this package, Keras's left out; the bases' first."""
    inits = [vars(each)["__init__"] for each in reversed(cls.__mro__) if _is_ours(each) and "__init__" in vars(each)]
    named = {name: each.kind for init in inits for name, each in inspect.signature(init).parameters.items()}
    return [name for name, kind in named.items() if kind in _NAMED and name not in ("self", "dtype")]


def _is_ours(cls):
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]
