"""Pure functions on masks, shapes and numbers; nothing here knows Keras or TFP objects."""

from tfflows.ops import (
    grids,
    masks,
    numerics,
    rational_quadratic,
    reversible,
    seeds,
    shapes,
    spatial,
    tanh_equation,
)

__all__ = [
    "grids",
    "masks",
    "numerics",
    "rational_quadratic",
    "reversible",
    "seeds",
    "shapes",
    "spatial",
    "tanh_equation",
]
