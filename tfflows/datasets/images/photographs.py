"""Patches of the colour photographs that come with scikit-image and scikit-learn: nothing is downloaded."""

import numpy as np

from tfflows.arguments import check_choice, check_integer
from tfflows.datasets.dataset import SPLITS, Dataset

PHOTOGRAPHS = {
    "train": ("astronaut", "china", "flower", "rocket"),
    "validation": ("chelsea",),
    "test": ("coffee",),
}
_IN_SCIKIT_LEARN = ("china", "flower")


def natural_patches(*, seed=0, patch_size=32, stride=11, channels=3):
    """Square 8-bit patches of six photographs, no photograph in two splits.

    | split | photograph | file | size | source, licence |
    | --- | --- | --- | --- | --- |
    | train | `astronaut` (E. Collins) | scikit-image, PNG | 512 x 512 | NASA, public domain |
    | train | `china` (a pagoda) | scikit-learn, JPEG | 427 x 640 | danielbuechele, flickr 6061409035, CC BY 2.0 |
    | train | `flower` (a dahlia) | scikit-learn, JPEG | 427 x 640 | vultilion, flickr 6056698931, CC BY 2.0 |
    | train | `rocket` (Falcon 9) | scikit-image, JPEG | 427 x 640 | SpaceX, flickr 16511594820, public domain |
    | validation | `chelsea` (a cat) | scikit-image, PNG | 300 x 451 | S. van der Walt, CC0 |
    | test | `coffee` (a cup on wood) | scikit-image, PNG | 400 x 600 | R. Michetti, CC0 |

    The patches' upper left corners are at all multiples of `stride` that fit. With the defaults there are 7,984 of
    train, 975 of validation and 1,768 of test; 11 is odd, so they meet JPEG's blocks of 8 in every phase. Neighbours
    overlap: examples of a split are not independent, and a standard error over them is too small. Six photographs are
    no sample of the world either; the set is for comparing models on equal terms without a download.

    The seed decides the order of the patches and nothing else, so test figures of different seeds compare.

    The wheels hold more: `motorcycle` states no licence, the others are grey, drawn, or of a telescope, a microscope
    or an eye.

    Args:
      seed: of the order, a non-negative integer.
      patch_size: side of a patch in pixels, an integer from 1 to 300.
      stride: step between patches in pixels, a positive integer.
      channels: 3, RGB, or 1, luminance (ITU-R 601, Pillow's "L").

    Returns:
      A `Dataset` of uint8 examples `[N, patch_size, patch_size, channels]`, with `discrete_levels` 256.

    Raises:
      ImportError: if scikit-image or scikit-learn is not installed.

    Example:

    >>> from tfflows import datasets
    >>> patches = datasets.natural_patches()
    >>> patches.train.shape, patches.train.dtype.name, patches.discrete_levels
    ((7984, 32, 32, 3), 'uint8', 256)
    """
    check_integer(1, 300, patch_size=patch_size)
    check_integer(stride=stride)
    check_choice((1, 3), channels=channels)
    parts = []
    photo = photograph if channels == 3 else lambda name: grey(photograph(name))
    for split, stream in zip(SPLITS, np.random.SeedSequence(seed).spawn(len(SPLITS))):
        patches = np.concatenate([cut(photo(name), patch_size, stride) for name in PHOTOGRAPHS[split]])
        parts.append(patches[np.random.default_rng(stream).permutation(len(patches))])
    listed = "; ".join(f"{split}: {', '.join(PHOTOGRAPHS[split])}" for split in SPLITS)
    return Dataset(
        "natural_patches",
        *parts,
        discrete_levels=256,
        description=f"{patch_size} x {patch_size} patches of photographs ({listed}).",
    )


def photograph(name):
    """One of the photographs as it is in the wheel: uint8 `[height, width, 3]`, RGB, or `[height, width]`."""
    library = "scikit-learn" if name in _IN_SCIKIT_LEARN else "scikit-image"
    try:
        if name in _IN_SCIKIT_LEARN:
            from sklearn.datasets import load_sample_image

            return np.asarray(load_sample_image(f"{name}.jpg"))
        import skimage.data

        return np.asarray(getattr(skimage.data, name)())
    except ImportError as error:
        raise ImportError(f"The photograph {name!r} comes with {library}: pip install {library}") from error


def grey(picture):
    """The luminance of a picture, uint8 `[height, width, 1]`; of one `[height, width]` the picture."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).convert("L"))[..., None]


def cut(image, patch_size, stride):
    """All patches `[N, patch_size, patch_size, channels]` of an image `[height, width, channels]`, at least as large,
    whose corners are at multiples of the stride, in reading order."""
    from skimage.util import view_as_windows

    shape = (patch_size, patch_size, image.shape[-1])
    return view_as_windows(image, shape, step=stride).reshape(-1, *shape)
