"""Pure functions on masks, shapes and numbers; nothing here knows Keras or TFP objects."""

from tfflows.ops import masks, numerics, reversible, shapes

__all__ = ["masks", "numerics", "reversible", "shapes"]
