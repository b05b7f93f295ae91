"""Crops of what else comes with scikit-image and scikit-learn, to ask a flow of photographs about: no download."""

import numpy as np

from tfflows.arguments import check_choice, check_integer
from tfflows.datasets.images import photographs

_PICTURES = {
    "cells": ("cell", "immunohistochemistry"),
    "coins": ("coins",),
    "moon": ("moon",),
    "retina": ("retina",),
    "stars": ("hubble_deep_field",),
    "text": ("page", "text"),
    "textures": ("brick", "grass", "gravel"),
}
CROPS = tuple(sorted({*_PICTURES, "digits", "faces"}))


def image_crops(name, *, patch_size=16, num_crops=1_000, seed=0):
    """Grey crops of one kind of picture, none of which is in `natural_patches`.

    | name | pictures |
    | --- | --- |
    | `cells` | microscopy: `cell` (a neutrophil, grey) and `immunohistochemistry` (stained tissue) |
    | `coins` | `coins`, on a dark ground |
    | `digits` | the handwritten digits of scikit-learn, 8 x 8 of 17 levels, times 15, in a black frame |
    | `faces` | the 100 faces of `lfw_subset`, 25 x 25, and the parts of them that are `patch_size` wide |
    | `moon` | `moon`, the surface from near: smooth |
    | `retina` | `retina`, without its black corners: smooth |
    | `stars` | `hubble_deep_field` |
    | `text` | `page` (print) and `text` (written by hand) |
    | `textures` | `brick`, `grass` and `gravel` |

    Colours become luminance, as in `natural_patches(channels=1)`. Crops do not overlap, but for those of a face.

    Args:
      name: one of the above.
      patch_size: int from 8 to 25.
      num_crops: int; of more crops so many are drawn.
      seed: of their order, a non-negative integer.

    Returns:
      uint8 array `[n, patch_size, patch_size, 1]`, levels of 256.

    Raises:
      ImportError: if scikit-image or scikit-learn is not installed.

    Example:

    >>> from tfflows import datasets
    >>> datasets.image_crops("moon").shape
    (1000, 16, 16, 1)
    """
    check_choice(CROPS, name=name)
    check_integer(8, 25, patch_size=patch_size)
    check_integer(num_crops=num_crops)
    crops = _FEW[name](patch_size) if name in _FEW else _of_pictures(name, patch_size)
    return crops[np.random.default_rng(seed).permutation(len(crops))[:num_crops]]


def _of_pictures(name, size):
    pictures = [photographs.grey(photographs.photograph(each)) for each in _PICTURES[name]]
    if name == "retina":  # a disc of radius 680 on black: the square inside
        pictures = [picture[225:-225, 225:-225] for picture in pictures]
    return np.concatenate([photographs.cut(picture, size, size) for picture in pictures])


def _faces(size):
    import skimage.data

    faces = np.round(255 * np.clip(skimage.data.lfw_subset()[:100], 0, 1)).astype(np.uint8)[..., None]
    return np.concatenate([photographs.cut(face, size, 25 - size or 1) for face in faces])


def _digits(size):
    import sklearn.datasets

    digits = (15 * sklearn.datasets.load_digits().images).astype(np.uint8)[..., None]
    before = (size - 8) // 2
    edges = (before, size - 8 - before)
    return np.pad(digits, ((0, 0), edges, edges, (0, 0)))


_FEW = {"digits": _digits, "faces": _faces}
