"""Pure functions on masks, shapes and numbers; nothing here knows Keras or TFP objects."""

from tfflows.ops import masks, numerics, reversible, seeds, shapes, spatial

__all__ = ["masks", "numerics", "reversible", "seeds", "shapes", "spatial"]
