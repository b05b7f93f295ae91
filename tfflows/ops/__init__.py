"""Pure functions on masks, shapes and numbers; nothing here knows Keras or TFP objects."""

from tfflows.ops import masks, numerics, shapes

__all__ = ["masks", "numerics", "shapes"]
