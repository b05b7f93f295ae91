"""What judges of samples take: draws of a model, and sets of examples beside each other."""

import numpy as np

from tfflows.arguments import check_integer


def drawn(model, n, *, labels=None, seed=0, batch_size=1000):
    """Draws of a model, `[n, *event_shape]`, in batches with a seed each.

    Args:
      model: anything with `sample(n, seed=)`, or `sample(n, context=, seed=)` where there are labels.
      n: int, at least 1.
      labels: integer array `[n]`, the class of each draw, or `None`.
      seed: int.
      batch_size: int, draws at a time.

    Raises:
      TypeError: a model without `sample`.
      ValueError: another number of draws than asked for, or some that are not finite: how many, where first.
    """
    check_integer(n=n, batch_size=batch_size)
    if not callable(getattr(model, "sample", None)):
        raise TypeError(f"`model` must have `sample(n, seed=)`. Received: {type(model).__name__}, which has not")
    parts = []
    for i, start in enumerate(range(0, n, batch_size)):
        count = min(batch_size, n - start)
        key = int(np.random.default_rng([seed, i]).integers(2**31))
        given = {} if labels is None else {"context": labels[start : start + count]}
        part = np.asarray(model.sample(count, seed=key, **given))
        if part.shape[:1] != (count,):
            raise ValueError(f"`model.sample({count})` must give {count} draws. Received: shape {part.shape}")
        parts.append(part)
    draws = np.concatenate(parts)
    check_finite(draws, "The draws of the model")
    return draws


def rows(least=2, **sets):
    """Sets of examples `[n, ...]` as float64 matrices `[n, D]`, by the names of the arguments.

    Raises:
      ValueError: fewer than `least` examples, examples of unlike shapes, values that are not finite.
    """
    arrays = {name: np.asarray(x) for name, x in sets.items()}
    for name, x in arrays.items():
        if x.ndim < 2 or x.dtype.kind not in "biuf":
            raise ValueError(f"`{name}` must be numbers [n, ...]. Received: shape {x.shape}, dtype {x.dtype}")
        if len(x) < least:
            raise ValueError(f"`{name}` must hold {least} examples or more. Received: {len(x)}")
        check_finite(x, f"`{name}`")
    shapes = {name: x.shape[1:] for name, x in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"The sets must hold examples of one shape. Received: {shapes}")
    return [x.reshape(len(x), -1).astype(np.float64) for x in arrays.values()]


def in_features(features, least=2, **sets):
    """As `rows`, of what the function `features` makes of each set: `[n, ...]` to `[n, D]`; `None` for the sets."""
    rows(least, **sets)
    if features is None:
        return rows(least, **sets)
    found = {name: np.asarray(features(np.asarray(x))) for name, x in sets.items()}
    for name, x in sets.items():
        if found[name].shape[:1] != (len(x),):
            raise ValueError(f"`features` must give a row for each of {len(x)} examples. Received: {found[name].shape}")
    return rows(least, **{f"features of {name}": x for name, x in found.items()})


def centred(features, **sets):
    """As `in_features`, about the mean of the first set: beside an offset scikit-learn loses small distances."""
    found = in_features(features, **sets)
    centre = found[0].mean(axis=0)
    return [each - centre for each in found]


def labelled(x, labels, *, what="x"):
    """Examples `[n, ...]` and their integer labels `[n]` as arrays, at least one, the examples finite.

    Raises:
      TypeError: labels that are not integers.
      ValueError: no examples, not as many labels, or values that are not finite.
    """
    x, labels = np.asarray(x), np.asarray(labels)
    if x.ndim < 2 or not len(x) or labels.shape != (len(x),):
        raise ValueError(
            f"`{what}` must be examples [n, ...], at least one, with a label each, [n]. Received: shapes {x.shape} and "
            f"{labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"Labels of `{what}` must be integers. Received: dtype {labels.dtype}")
    check_finite(x, f"`{what}`")
    return x, labels


def check_finite(x, what):
    """Refuses an array of examples `[n, ...]` with values that are not finite: how many, where first."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = ~np.isfinite(x).reshape(len(x), -1).all(axis=1)
        raise ValueError(
            f"{what} must be finite. Received: {int(bad.sum())} of {len(x)} examples that are not, the first "
            f"number {int(np.argmax(bad))}"
        )
