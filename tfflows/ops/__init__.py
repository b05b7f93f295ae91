"""Functions on masks, shapes and numbers, and elementwise maps; nothing here knows bijectors or models."""

from tfflows.ops import elementwise, masks

__all__ = ["elementwise", "masks"]
