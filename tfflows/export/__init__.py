"""SavedModels that are served without this package."""

from tfflows.export.saved_model import export_flow

__all__ = ["export_flow"]
