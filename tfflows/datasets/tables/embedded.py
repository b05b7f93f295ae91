"""Small real data sets that come with scikit-learn: nothing is downloaded."""

import numpy as np

from tfflows.datasets.dataset import Dataset
from tfflows.datasets.splitting import FRACTIONS, split_rows


def digits(*, as_images=False, seed=0, fractions=FRACTIONS):
    """1,797 handwritten digits of 8 x 8 pixels, each an integer from 0 to 16, as vectors of 64 or as images.

    `discrete_levels` is 17; the context is the digit, `num_classes` 10. Both forms split alike.

    Args:
      as_images: whether examples are images rather than vectors.
      seed, fractions: of the split, see `splitting.split_rows`.

    Returns:
      A `Dataset` with int32 labels: of int32 examples `[N, 64]`, or of uint8 images `[N, 8, 8, 1]`.

    Raises:
      ImportError: if scikit-learn is not installed.

    References:
      E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.

    Example:

    >>> from tfflows import datasets
    >>> data = datasets.digits(as_images=True)
    >>> data.train.shape, data.train.dtype.name, data.image_shape, data.num_classes
    ((1437, 8, 8, 1), 'uint8', (8, 8, 1), 10)
    """
    bunch = _load("digits")
    return _split(
        "digits",
        bunch,
        bunch.images[..., None].astype(np.uint8) if as_images else bunch.data.astype(np.int32),
        None if as_images else [f"pixel_{i}_{j}" for i in range(8) for j in range(8)],
        "Handwritten digits, 8 x 8 pixels of 17 levels (UCI test set, as in scikit-learn).",
        seed=seed,
        fractions=fractions,
        discrete_levels=17,
    )


def wine(*, seed=0, fractions=FRACTIONS):
    """178 wines of three cultivars: 13 chemical measurements in their own units, the cultivar as context.

    Args, raises: see `digits`. Returns a `Dataset` of float32 examples `[N, 13]` with int32 labels, not standardised.

    References:
      S. Aeberhard and M. Forina, Wine, UCI Machine Learning Repository, 1992.
    """
    return _measured("wine", "Chemical analysis of wines of three cultivars", seed=seed, fractions=fractions)


def breast_cancer(*, seed=0, fractions=FRACTIONS):
    """569 breast masses: 30 measurements of cell nuclei in their own units, the diagnosis as context.

    Args, raises: see `digits`. Returns a `Dataset` of float32 examples `[N, 30]` with int32 labels (0 malignant, 1
    benign), not standardised.

    References:
      W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin (Diagnostic), UCI Machine
      Learning Repository, 1993.
    """
    return _measured(
        "breast_cancer", "Measurements of cell nuclei, malignant or benign", seed=seed, fractions=fractions
    )


def _measured(name, what, **split):
    bunch = _load(name)
    description = f"{what} (UCI, as in scikit-learn)."
    return _split(name, bunch, bunch.data.astype(np.float32), bunch.feature_names, description, **split)


def _load(name):
    try:
        import sklearn.datasets
    except ImportError as error:
        raise ImportError(f"The data set {name!r} comes with scikit-learn: pip install scikit-learn") from error
    return getattr(sklearn.datasets, f"load_{name}")()


def _split(name, bunch, examples, columns, description, *, seed, fractions, discrete_levels=None):
    rows = split_rows(len(examples), seed=seed, fractions=fractions)
    labels = bunch.target.astype(np.int32)
    return Dataset(
        name,
        *(examples[part] for part in rows),
        *(labels[part] for part in rows),
        num_classes=len(bunch.target_names),
        class_names=tuple(map(str, bunch.target_names)),
        columns=None if columns is None else tuple(map(str, columns)),
        discrete_levels=discrete_levels,
        description=description,
    )
