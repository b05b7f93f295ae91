"""Normalizing flows for Keras 3 and TensorFlow Probability."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "tfflows needs Keras on the TensorFlow backend: set KERAS_BACKEND=tensorflow before importing Keras. "
        f"Received: {keras.backend.backend()!r}"
    )

from tfflows import (  # noqa: E402
    bijectors,
    bridge,
    datasets,
    distributions,
    export,
    layers,
    losses,
    metrics,
    models,
    networks,
    ops,
    serialization,
)
from tfflows.version import __version__  # noqa: E402

__all__ = [
    "__version__",
    "bijectors",
    "bridge",
    "datasets",
    "distributions",
    "export",
    "layers",
    "losses",
    "metrics",
    "models",
    "networks",
    "ops",
    "serialization",
]
