"""Every data set by name, files and folders by path."""

import os
import pathlib

import numpy as np

from tfflows.arguments import check_integer, did_you_mean
from tfflows.datasets.dataset import Dataset
from tfflows.datasets.densities.banana import banana
from tfflows.datasets.densities.checkerboard import checkerboard
from tfflows.datasets.densities.eight_gaussians import eight_gaussians
from tfflows.datasets.densities.energies import energy_1, energy_2, energy_3, energy_4
from tfflows.datasets.densities.funnel import funnel
from tfflows.datasets.densities.gaussian_grid import gaussian_grid
from tfflows.datasets.densities.pinwheel import pinwheel
from tfflows.datasets.densities.rings import rings
from tfflows.datasets.densities.rotated_mixture import rotated_mixture
from tfflows.datasets.densities.swiss_roll import swiss_roll
from tfflows.datasets.densities.two_moons import two_moons
from tfflows.datasets.densities.two_spirals import two_spirals
from tfflows.datasets.images.image_folder import from_image_folder
from tfflows.datasets.images.photographs import natural_patches
from tfflows.datasets.images.published_images import canonical, tfds_images, tfds_names
from tfflows.datasets.tables.embedded import breast_cancer, digits, wine
from tfflows.datasets.tables.files import from_file
from tfflows.datasets.tables.table import EXTENSIONS

_FACTORIES = [two_moons, eight_gaussians, rings, checkerboard, pinwheel, two_spirals, swiss_roll, banana, funnel]
_FACTORIES += [gaussian_grid, rotated_mixture, energy_1, energy_2, energy_3, energy_4]
_TOY = {factory.__name__: factory for factory in _FACTORIES}
_EMBEDDED = {factory.__name__: factory for factory in (digits, wine, breast_cancer, natural_patches)}
_SIZES = {"num_train": 50_000, "num_validation": 5_000, "num_test": 100_000}


def toy_names():
    """Names of the densities that can be sampled and evaluated, a tuple."""
    return tuple(_TOY)


def embedded_names():
    """Names of the real data sets that come with scikit-learn and scikit-image, a tuple."""
    return tuple(_EMBEDDED)


def names():
    """All names `load` knows, a tuple."""
    return toy_names() + embedded_names() + tfds_names()


def load(name, *, num_train=None, num_validation=None, num_test=None, seed=0, **options):
    """A data set by name, or from a file or a folder of images.

    Args:
      name: one of `names()`, hyphens as good as underscores, or the path of a .csv, .parquet, .npy or .npz file or of a
        folder of images.
      num_train: examples to draw from a toy density, 50,000 by default, or to use of a published image set, all by
        default. Not for other data, as the next two.
      num_validation: 5,000 by default.
      num_test: 100,000 by default: the standard error of a mean log-density is then about 0.003 nats.
      seed: non-negative integer. The three splits of a toy density are drawn from streams of their own, which are also
        none of `density.sample(n, seed=...)`; real data are split with it, unless their split is published.
      **options: arguments of the density's function (`noise=0.05`), of `digits` and its like (`as_images=True`), of
        `tfds_images`, `from_file` or `from_image_folder`.

    Returns:
      A `Dataset`; for a toy name its `density` is set. For a published image set, and a folder that is too large for
      the memory, an `ImageStream`.

    Raises:
      ValueError: if the name is unknown (near misses are given), or a size is given for data that have theirs.
      TypeError: if an option is unknown.
    """
    sizes = {"num_train": num_train, "num_validation": num_validation, "num_test": num_test}
    text = os.fspath(name)
    key = text.replace("-", "_").lower()
    if key in _TOY:
        sizes = {what: _SIZES[what] if size is None else size for what, size in sizes.items()}
        return _sampled(_TOY[key](**options), sizes, seed)
    if not isinstance(name, pathlib.Path) and canonical(text):
        return tfds_images(text, **sizes, **options)
    is_path = isinstance(name, pathlib.Path) or {"/", os.sep} & {*text} or key.endswith(EXTENSIONS)
    if key not in _EMBEDDED and not (is_path or os.path.isdir(text)):
        raise ValueError(
            f"Unknown data set.{did_you_mean(key, names())} Names: {', '.join(names())}; or the path of a file that "
            f"ends in one of {', '.join(EXTENSIONS)}, or of a folder of images. Received: {text!r}"
        )
    given = [f"{what}={size!r}" for what, size in sizes.items() if size is not None]
    if given:
        raise ValueError(
            f"Only toy densities and published image sets have sizes. Received: {', '.join(given)} for {text!r}"
        )
    if key in _EMBEDDED:
        return _EMBEDDED[key](seed=seed, **options)
    if os.path.isdir(text):
        return from_image_folder(text, seed=seed, **options)
    return from_file(name, seed=seed, **options)


def _sampled(density, sizes, seed):
    check_integer(**sizes)
    streams = np.random.SeedSequence(seed).spawn(3)
    return Dataset(
        density.name,
        *(density.sample(size, seed=stream) for size, stream in zip(sizes.values(), streams)),
        columns=tuple(f"x{i + 1}" for i in range(density.event_shape[0])),
        density=density,
        description=f"Draws of {density!r}.",
    )
