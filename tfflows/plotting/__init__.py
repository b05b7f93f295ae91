"""Arrays in, matplotlib figures out: no model is called, nothing global (pyplot, rcParams) is touched.

Every function returns a `matplotlib.figure.Figure`, and raises a `ValueError` for an argument that is not as its
description says: arrays of another shape, that do not fit each other, or are empty; data, samples, latents and images
that are not finite.
"""

from tfflows.plotting.calibration import rank_histograms_figure
from tfflows.plotting.density import density_curve_figure, density_figure, density_rows_figure
from tfflows.plotting.detection import likelihood_histograms_figure, roc_figure
from tfflows.plotting.examination import examination_figure
from tfflows.plotting.images import image_rows_figure, images_figure
from tfflows.plotting.latents import latents_figure
from tfflows.plotting.layers import layers_figure
from tfflows.plotting.learning_curve import training_figure
from tfflows.plotting.reliability import reliability_figure
from tfflows.plotting.round_trips import interpolations_figure, reconstructions_figure
from tfflows.plotting.samples import samples_figure
from tfflows.plotting.style import headed

__all__ = [
    "density_curve_figure",
    "density_figure",
    "density_rows_figure",
    "examination_figure",
    "headed",
    "image_rows_figure",
    "images_figure",
    "interpolations_figure",
    "latents_figure",
    "layers_figure",
    "likelihood_histograms_figure",
    "rank_histograms_figure",
    "reconstructions_figure",
    "reliability_figure",
    "roc_figure",
    "samples_figure",
    "training_figure",
]
