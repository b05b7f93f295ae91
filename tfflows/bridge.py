"""The former place of `tfflows.joint`, importable for one release."""
# ruff: noqa: F401

import warnings

from tfflows.joint.composition import adapt, context_kwargs, evaluate, unadapted
from tfflows.joint.keras_bijector import KerasBijector, clone, outside_scratch_graphs
from tfflows.joint.weights import AdoptedVariables, adopt, audit, keras_layers_of, variables_read, weights_of

warnings.warn("tfflows.bridge is now tfflows.joint", DeprecationWarning, stacklevel=2)
