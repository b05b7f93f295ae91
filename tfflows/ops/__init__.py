"""Functions on masks, shapes and numbers; nothing here knows bijectors or models."""

from tfflows.ops import (
    grids,
    masks,
    numerics,
    precision,
    products,
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
    "precision",
    "products",
    "rational_quadratic",
    "reversible",
    "seeds",
    "shapes",
    "spatial",
    "tanh_equation",
]
