"""Weights of examples, given for each or by their class: the same numbers whichever way the data come."""

import numbers

import numpy as np
import tensorflow as tf

from tfflows.fitting import inputs


def checked(weights, count, what="sample_weight"):
    """An array of weights, `[count]` or `[count, 1]`, as `[count]`.

    Raises:
      ValueError: another shape, no numbers, or not finite.
    """
    weights = inputs.numbers(weights, what)
    if weights.shape not in ((count,), (count, 1)) or weights.dtype.kind not in "biuf":
        received = f"shape {weights.shape}, dtype {weights.dtype}"
        raise ValueError(f"`{what}` must hold a number for each example, shape ({count},). Received: {received}")
    if not np.isfinite(weights).all():
        bad = np.flatnonzero(~np.isfinite(weights))
        raise ValueError(f"`{what}` must be finite. Received: {len(bad)} others, the first at index {bad[0]}")
    return weights.reshape(count)


def class_table(class_weight, num_classes=None):
    """The weights of classes `0, 1, ...`, and at the end that of any other, 1: a float32 array.

    Args:
      class_weight: dict from classes to weights; what is missing has weight 1.
      num_classes: int, how many classes there are, or `None`.

    Raises:
      ValueError: other keys or values.
    """
    for label, weight in class_weight.items():
        known = isinstance(label, numbers.Integral) and 0 <= label < (num_classes or np.inf)
        if not known or not isinstance(weight, numbers.Real) or not np.isfinite(weight):
            span = "of at least 0" if num_classes is None else f"from 0 to {num_classes - 1}"
            raise ValueError(f"`class_weight` is a dict from labels {span} to numbers. Received: {label!r}: {weight!r}")
    table = np.ones(1 + (num_classes or 1 + max(class_weight, default=-1)), "float32")
    table[list(class_weight)] = list(class_weight.values())
    return table


def of_classes(labels, table):
    """The weights of integer labels, from `class_table`."""
    labels = labels if labels is None or tf.is_tensor(labels) else inputs.numbers(labels, "y")
    integer = labels is not None and (labels.dtype.is_integer if tf.is_tensor(labels) else labels.dtype.kind in "iu")
    if not integer:
        received = labels if labels is None else f"dtype {labels.dtype.name}"
        raise ValueError(f"`class_weight` needs integer labels beside the events. Received: {received}")
    other = len(table) - 1
    if tf.is_tensor(labels):
        labels = tf.cast(labels, tf.int64)
        return tf.gather(table, tf.where((labels >= 0) & (labels < other), labels, other))
    return table[np.where((labels >= 0) & (labels < other), labels, other)]
