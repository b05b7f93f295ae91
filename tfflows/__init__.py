"""Normalizing flows for Keras 3 and TensorFlow Probability."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "tfflows needs Keras on the TensorFlow backend: set KERAS_BACKEND=tensorflow before importing Keras. "
        f"Received: {keras.backend.backend()!r}"
    )

from tfflows import (  # noqa: E402
    bijectors,
    datasets,
    distributions,
    export,
    joint,
    layers,
    losses,
    metrics,
    models,
    networks,
    ops,
)
from tfflows.version import __version__  # noqa: E402

__all__ = [
    "__version__",
    "bijectors",
    "datasets",
    "distributions",
    "export",
    "joint",
    "layers",
    "losses",
    "metrics",
    "models",
    "networks",
    "ops",
]


def __getattr__(name):
    if name in ("bridge", "serialization"):  # their places of before, which warn
        import importlib

        return importlib.import_module(f"tfflows.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
