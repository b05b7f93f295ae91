"""The former place of `tfflows.joint`, importable for one release."""

import warnings

from tfflows.joint.composition import adapt, context_kwargs, evaluate, unadapted  # noqa: F401
from tfflows.joint.keras_bijector import KerasBijector, clone, outside_scratch_graphs  # noqa: F401
from tfflows.joint.weights import (  # noqa: F401
    AdoptedVariables,
    adopt,
    audit,
    keras_layers_of,
    variables_read,
    weights_of,
)

warnings.warn("tfflows.bridge is now tfflows.joint", DeprecationWarning, stacklevel=2)
