"""Arrays in, matplotlib figures out: no model is called, nothing global (pyplot, rcParams) is touched."""

from tfflows.plotting.density import density_figure
from tfflows.plotting.images import images_figure
from tfflows.plotting.latents import latents_figure
from tfflows.plotting.samples import samples_figure
from tfflows.plotting.training import training_figure

__all__ = ["density_figure", "images_figure", "latents_figure", "samples_figure", "training_figure"]
