"""Normalizing flows for Keras 3 and TensorFlow Probability."""

import importlib
import os
import sys
import typing

from tfflows.version import __version__

if typing.TYPE_CHECKING:
    from tfflows import (
        bijectors,
        callbacks,
        datasets,
        distributions,
        evaluation,
        export,
        joint,
        layers,
        losses,
        metrics,
        models,
        networks,
        ops,
        plotting,
        solvers,
    )

__all__ = [
    "__version__",
    "bijectors",
    "callbacks",
    "datasets",
    "distributions",
    "evaluation",
    "export",
    "joint",
    "layers",
    "losses",
    "metrics",
    "models",
    "networks",
    "ops",
    "plotting",
    "solvers",
]
_AT_FIRST_USE = ("__version__", "callbacks", "evaluation", "plotting", "solvers")
_FORMER = ("bridge", "serialization")  # places of before, which warn
_loading = False  # or done: the rooms import each other on the way


def __getattr__(name):
    if name not in __all__ and name not in _FORMER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _load()
    return importlib.import_module(f"{__name__}.{name}")


def __dir__():
    return sorted({*globals(), *__all__})


def _load():
    """Imports what registers classes: Keras reads only files of registered ones, and imports no package but its own."""
    global _loading
    if _loading:
        return
    _check_backend()
    _loading = True
    for name in __all__:
        if name not in _AT_FIRST_USE:
            importlib.import_module(f"{__name__}.{name}")


def _check_backend():
    backend = os.environ.get("KERAS_BACKEND")
    if not backend or "keras" in sys.modules:
        import keras

        backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            "tfflows needs Keras on the TensorFlow backend: set KERAS_BACKEND=tensorflow before importing Keras. "
            f"Received: {backend!r}"
        )


def _is_the_command():
    """Whether this process is `tfflows ...` or `python -m tfflows.cli.main ...`."""
    program = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return os.path.splitext(program)[0] == "tfflows" or (program == "-m" and "tfflows.cli.main" in sys.orig_argv)


if not _is_the_command():  # which says what is wrong with its arguments before it waits for TensorFlow
    _load()
