"""What a flow accepts as data: every refusal says what was expected and what was received."""

import collections.abc
import itertools

import keras
import numpy as np
import tensorflow as tf

_MOST_BATCHES = 100  # of a generator, that are looked at before training


def split(data):
    """`(events, context, weights)` of any batch: `x`, `(x, context)`, `(x, context, weights)`, `((x, context), ...)`.

    Raises:
      TypeError: a dict, as TFDS gives without `as_supervised=True`; named is the `map` that says what is what.
      ValueError: another number of parts.
    """
    x, context, weights = keras.utils.unpack_x_y_sample_weight(data)
    if isinstance(x, dict):
        names = ["image"] * ("image" in x) or list(x)[:1]
        names += ["label"] * ("label" in x) or [name for name in x if name not in names][:1]
        parts = ", ".join(f"batch[{name!r}]" for name in names)
        raise TypeError(
            f"A batch is x or the pair (x, context). Received: a dict of {', '.join(map(repr, x))}; say what is what, "
            f"as in `dataset.map(lambda batch: ({parts}))`"
        )
    if isinstance(x, (tuple, list)):
        if len(x) != 2:
            raise ValueError(f"A batch is x or the pair (x, context). Received: {len(x)} parts")
        x, context = x
    return x, context, weights


def joined(x, context, weights):
    """A batch, or whole arrays, as a tuple without `None`.

    Keras drops the weights of what has no target (and cannot batch a `None` of a `PyDataset`): without a context the
    weights stand in its place too, where no unconditional model looks.
    """
    if weights is None:
        return (x,) if context is None else (x, context)
    return x, weights if context is None else context, weights


def is_array(x):
    """Whether `x` is data in memory, rather than a dataset or a generator of batches."""
    return hasattr(x, "__array__") or tf.is_tensor(x)


def pair(x, y):
    """`x` and `y` as they are; out of an `x` that is the pair of arrays `(x, y)`, its two; lists as arrays."""
    if isinstance(x, (tuple, list)) and len(x) == 2 and all(map(is_array, x)):
        return x
    return rows(x), y


def rows(x):
    """`x` as it is; rows in a list, or a pandas frame, as an array."""
    if hasattr(x, "infer_objects"):  # pandas
        return numbers(x)
    return np.asarray(x) if isinstance(x, list) and not any(map(is_array, x)) else x


def numbers(x, what="x"):
    """`x` as an array; also of a pandas frame or series whose columns are nullable or of Arrow, where missing is NaN.

    Raises:
      TypeError: columns that hold no numbers.
    """
    array = None if x is None else np.asarray(x)
    if array is None or array.dtype != object or not hasattr(x, "infer_objects"):
        return array
    x = x.infer_objects()
    columns = {name: x[name].dtype for name in x.columns} if hasattr(x, "columns") else {x.name: x.dtype}
    integers = all(dtype.kind in "iu" for dtype in columns.values()) and not x.isna().to_numpy().any()
    try:
        return x.to_numpy(dtype="int64" if integers else "float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        others = {name: str(dtype) for name, dtype in columns.items() if dtype.kind not in "biuf"}
        raise TypeError(f"`{what}` must hold numbers. Received: columns of other dtypes, {others}") from error


def peek(batches, limit):
    """What the first batches of a generator, `PyDataset` or loader hold, and the same batches again with them.

    Args:
      batches: iterable; of a `PyDataset` batches as far apart as possible are looked at.
      limit: int, examples; no more batches than give so many are looked at, and no more than 100.

    Returns:
      `(events, context)` as arrays, and what to train on.

    Raises:
      TypeError: what gives no batches.
      ValueError: what has none.
    """
    if isinstance(batches, keras.utils.PyDataset):
        count = batches.num_batches or _MOST_BATCHES  # endless
        return gather((batches[i] for i in range(0, count, -(-count // _MOST_BATCHES))), limit), batches
    if not isinstance(batches, collections.abc.Iterable):
        raise TypeError(f"Data are arrays or batches of them. Received: {type(batches).__name__}")
    if not isinstance(batches, collections.abc.Iterator):
        return gather(itertools.islice(batches, _MOST_BATCHES), limit), batches
    seen = []

    def first():
        for batch in itertools.islice(batches, _MOST_BATCHES):
            seen.append(batch)
            yield batch

    found = gather(first(), limit)
    return found, (batch for batch in itertools.chain(seen, batches))  # Keras knows generators by type


def gather(batches, limit):
    """The first `limit` examples or a few more of batches, a `tf.data.Dataset` say: `(events, context)` as arrays.

    Raises:
      ValueError: no batch at all.
    """
    events, contexts = [], []
    for batch in batches:
        x, context, _ = split(batch)
        events.append(np.asarray(x))
        contexts.append(None if context is None else np.asarray(context))
        if sum(map(len, events)) >= limit:
            break
    if not events:
        raise ValueError("The data must hold at least one batch. Received: none")
    return np.concatenate(events), None if contexts[0] is None else np.concatenate(contexts)


def check_kind(dtype, dequantization, what="Events"):
    """Refuses a dtype that is not of the kind of events a flow takes.

    Raises:
      TypeError: floats where integers are wanted (there is a dequantization), or the reverse.
    """
    floating = dtype.is_floating if isinstance(dtype, tf.DType) else dtype.kind == "f"
    if dequantization is not None and floating:
        last = dequantization.levels - 1
        raise TypeError(
            f"{what} must be integers from 0 to {last}, not yet dequantized or scaled. Received: dtype {dtype.name}"
        )
    if dequantization is None and not floating:
        raise TypeError(
            f"{what} must be floating point. Received: dtype {dtype.name}. Discrete data is dequantized first "
            "(tfflows.datasets.Dataset.dequantized) or by a flow with a `dequantization`."
        )


def check_events(x, event_shape, *, what="x", dequantization=None):
    """Refuses arrays that are not a non-empty batch of finite events, or of integers when they are to be dequantized.

    Args:
      x: array `[batch, *event_shape]`.
      event_shape: tuple.
      what: name of the argument, for messages.
      dequantization: `layers.Dequantization` or `None`.

    Raises:
      TypeError: not a floating dtype, or not an integer one.
      ValueError: wrong shape, empty, or non-finite or out-of-range values: how many, and where the first is.
    """
    x = np.asarray(x)
    if dequantization is not None:
        dequantization.check(x, what=what)
    else:
        check_kind(x.dtype, None, f"`{what}`")
    expected = f"(batch, {', '.join(map(str, event_shape))})"
    if x.ndim != 1 + len(event_shape) or x.shape[1:] != tuple(event_shape):
        raise ValueError(f"`{what}` must have shape {expected}. Received: shape {x.shape}")
    if not len(x):
        raise ValueError(f"`{what}` must hold at least one example. Received: shape {x.shape}")
    bad = ~np.isfinite(x) if x.dtype.kind == "f" else np.zeros(0, bool)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        nan, count = int(np.isnan(x).sum()), int(bad.sum())
        raise ValueError(
            f"`{what}` must be finite. Received: {count} non-finite values ({nan} NaN, {count - nan} infinite), "
            f"the first at index {first}"
        )


def check_context(context, batch, *, context_size, num_classes, what="context", least_label=0):
    """Refuses a context of the wrong kind, size or range.

    Args:
      context: array `[batch, context_size]`, integer labels `[batch]`, or `None`.
      batch: int, number of examples.
      context_size: int or `None`.
      num_classes: int or `None`.
      what: name of the argument, for messages.
      least_label: int, the smallest label.

    Raises:
      TypeError: float labels.
      ValueError: missing, of the wrong shape, non-finite, or labels out of range.
    """
    expected = (
        f"integer labels of shape ({batch},), from {least_label} to {num_classes - 1}"
        if num_classes is not None
        else f"vectors of shape ({batch}, {context_size})"
    )
    if context is None:
        raise ValueError(f"This flow is conditional: `{what}` must hold {expected}. Received: None")
    context = np.asarray(context)
    if num_classes is not None:
        if context.dtype.kind not in "iu":
            raise TypeError(f"`{what}` must hold {expected}. Received: dtype {context.dtype}")
        outside = context.size and (context.min() < least_label or context.max() >= num_classes)
        if context.shape != (batch,) or outside:
            span = f", values {context.min()} to {context.max()}" if context.size else ""
            raise ValueError(f"`{what}` must hold {expected}. Received: shape {context.shape}{span}")
    elif context.shape != (batch, context_size):
        raise ValueError(f"`{what}` must hold {expected}. Received: shape {context.shape}")
    elif not np.isfinite(context).all():
        raise ValueError(f"`{what}` must be finite. Received: {int((~np.isfinite(context)).sum())} non-finite values")
