"""Models in files that are served without this package: SavedModel, ONNX, LiteRT, OpenVINO."""

from tfflows.export.autoencoder import export_autoencoder
from tfflows.export.flow import export_flow

__all__ = ["export_autoencoder", "export_flow"]
