"""Functions on masks, shapes and numbers, and elementwise maps; nothing here knows bijectors or models."""

from tfflows.ops import (
    elementwise,
    grids,
    masks,
    numerics,
    precision,
    products,
    reversible,
    seeds,
    shapes,
    spatial,
    tanh_equation,
)

__all__ = [
    "elementwise",
    "grids",
    "masks",
    "numerics",
    "precision",
    "products",
    "reversible",
    "seeds",
    "shapes",
    "spatial",
    "tanh_equation",
]
