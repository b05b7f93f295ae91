"""Data to train and judge flows on: toy densities with exact log-probabilities, small real data, published
image sets, a user's own files. An argument that is not as its description says is refused with a `ValueError`."""

from tfflows.datasets.catalogue import embedded_names, load, names, toy_names
from tfflows.datasets.dataset import Dataset
from tfflows.datasets.densities.banana import banana
from tfflows.datasets.densities.checkerboard import checkerboard
from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.densities.eight_gaussians import eight_gaussians
from tfflows.datasets.densities.energies import Energy, energy_1, energy_2, energy_3, energy_4
from tfflows.datasets.densities.funnel import funnel
from tfflows.datasets.densities.gaussian_grid import gaussian_grid
from tfflows.datasets.densities.moving_mixture import MovingMixture, moving_mixture
from tfflows.datasets.densities.pinwheel import pinwheel
from tfflows.datasets.densities.rings import rings
from tfflows.datasets.densities.rotated_mixture import rotated_mixture
from tfflows.datasets.densities.swiss_roll import swiss_roll
from tfflows.datasets.densities.two_moons import two_moons
from tfflows.datasets.densities.two_spirals import two_spirals
from tfflows.datasets.images.binarization import binarized
from tfflows.datasets.images.crops import image_crops
from tfflows.datasets.images.image_folder import from_image_folder
from tfflows.datasets.images.image_stream import ImageStream
from tfflows.datasets.images.photographs import natural_patches
from tfflows.datasets.images.published_images import tfds_images, tfds_names
from tfflows.datasets.tables.embedded import breast_cancer, digits, wine
from tfflows.datasets.tables.files import from_file
from tfflows.datasets.tables.published_tables import tabular, tabular_names

__all__ = [
    "Dataset",
    "Energy",
    "ImageStream",
    "MovingMixture",
    "ToyDensity",
    "banana",
    "binarized",
    "breast_cancer",
    "checkerboard",
    "digits",
    "eight_gaussians",
    "embedded_names",
    "energy_1",
    "energy_2",
    "energy_3",
    "energy_4",
    "from_file",
    "from_image_folder",
    "funnel",
    "gaussian_grid",
    "image_crops",
    "load",
    "moving_mixture",
    "names",
    "natural_patches",
    "pinwheel",
    "rings",
    "rotated_mixture",
    "swiss_roll",
    "tabular",
    "tabular_names",
    "tfds_images",
    "tfds_names",
    "toy_names",
    "two_moons",
    "two_spirals",
    "wine",
]
