"""SavedModels that are served without this package."""

from tfflows.export.autoencoder import export_autoencoder
from tfflows.export.saved_model import export_flow

__all__ = ["export_autoencoder", "export_flow"]
