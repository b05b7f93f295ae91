"""The compiled functions of a model, which calls of it share."""

import functools


def functions(model, kind):
    """From a key to a list of one, `None` at first, for the 8 keys of a kind that were used last."""
    kinds = vars(model).setdefault("_kept_functions", {})  # past Keras, which would track what is in the dict
    return kinds.setdefault(kind, functools.lru_cache(maxsize=8)(lambda *key: [None]))


def forget(model):
    """Drops every compiled function of a model."""
    vars(model).pop("_kept_functions", None)
