"""Images of grey levels as black and white ones."""

import dataclasses

import numpy as np

from tfflows.datasets.dataset import SPLITS, Dataset


def binarized(dataset, *, seed=0):
    """Static binarisation: every entry `x` of `{0, ..., L - 1}` becomes 1 with probability `x / (L - 1)`, once.

    The draws depend on the seed and the split alone, so that everybody who binarises with the same seed has the same
    data, and numbers of models trained on them can be compared (dynamic binarisation, a new draw in each epoch, gives
    other and better ones). The published binary MNIST was drawn in this way too, by other draws.

    Args:
      dataset: `Dataset` of discrete data; `ImageStream.in_memory()` makes one.
      seed: non-negative integer.

    Returns:
      A `Dataset` of uint8 zeros and ones, `discrete_levels` 2, everything else as before.

    References:
      Salakhutdinov, Murray. On the quantitative analysis of deep belief networks. ICML 2008.

    Example:

    >>> import numpy as np
    >>> from tfflows import datasets
    >>> data = datasets.binarized(datasets.digits())
    >>> np.unique(data.train).tolist(), data.discrete_levels, data.name
    ([0, 1], 2, 'binarized_digits')
    """
    if not isinstance(dataset, Dataset) or dataset.discrete_levels is None:
        name = getattr(dataset, "name", dataset)
        raise ValueError(f"A `Dataset` of discrete values is needed, in memory. Received: {name!r}")
    arrays = {}
    for i, split in enumerate(SPLITS):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        x = dataset.examples(split)
        arrays[split] = (rng.random(x.shape) * (dataset.discrete_levels - 1) < x).astype(np.uint8)
    description = f"{dataset.description} Binarised once, with seed {seed}."
    return dataclasses.replace(
        dataset, name=f"binarized_{dataset.name}", discrete_levels=2, description=description, **arrays
    )
