"""Three splits of examples, what is known about them, and how they are fed to training."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_choice, check_integer
from tfflows.datasets import batching
from tfflows.datasets.densities.density import ToyDensity
from tfflows.datasets.images import augmentation
from tfflows.datasets.tables import rows

SPLITS = ("train", "validation", "test")
_FLOATS = (np.dtype("float32"), np.dtype("float64"))


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Examples in three splits that fit each other, with an optional context to condition on.

    Attributes:
      name: what it is called.
      train, validation, test: arrays `[N, *event_shape]`: float32 or float64, or integers when `discrete_levels` is
        set (images are uint8 `[N, height, width, channels]`).
      context_train, context_validation, context_test: all `None`, or per split integer labels `[N]` (when
        `num_classes` is set) or float values `[N, C]`.
      num_classes: number of classes the labels count to, or `None`.
      class_names: one name per label, or `None`.
      columns: one name per component of an example, or `None`.
      discrete_levels: `L` when the examples are integers in `{0, ..., L - 1}`, otherwise `None`.
      density: the `ToyDensity` the examples were drawn from, or `None`.
      description: a sentence or two: what it is and where it comes from.
      table: `tables.rows.FileColumns` of the file that the columns are of, or `None`.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    context_train: np.ndarray | None = None
    context_validation: np.ndarray | None = None
    context_test: np.ndarray | None = None
    num_classes: int | None = None
    class_names: tuple | None = None
    columns: tuple | None = None
    discrete_levels: int | None = None
    density: ToyDensity | None = None
    description: str = ""
    table: rows.FileColumns | None = None

    def __post_init__(self):
        for split in SPLITS:
            self._check_examples(split)
            self._check_context(split)
        if self.columns is not None and (len(self.columns),) != self.event_shape:
            raise ValueError(
                f"{self.name}: `columns` must name each component of an example. Received: {len(self.columns)} "
                f"names for event_shape={self.event_shape}"
            )

    @property
    def event_shape(self):
        """Shape of one example, a tuple."""
        return tuple(self.train.shape[1:])

    @property
    def image_shape(self):
        """`(height, width, channels)` of one example, or `None` for data that are not images."""
        return self.event_shape if len(self.event_shape) == 3 else None

    def num_examples(self, split):
        """How many examples a split has."""
        return len(self.examples(split))

    def examples(self, split):
        """The examples of one split, as stored."""
        return getattr(self, checked_split(split))

    def context(self, split):
        """The context of one split, or `None`."""
        return getattr(self, f"context_{checked_split(split)}")

    def frame(self, x, context=None):
        """Examples, drawn from a flow for instance, as a `pandas.DataFrame` like the file that the data are of.

        It has the columns of the file, in their order and dtypes: integers are rounded, labels are given by name.

        Args:
          x: examples `[N, *event_shape]`.
          context: labels `[N]` or values `[N, C]`, whose columns are left out otherwise.
        """
        names = self.class_names or self.num_classes and range(self.num_classes)
        return rows.frame(x, self.columns, context=context, class_names=names, table=self.table)

    def dequantized(self, split, *, seed):
        """One split as continuous data, in units of one level: `y = x + u`, `u ~ U[0, 1)` in each component.

        `floor(y) == x` always: rounding never reaches the next level. The mean negative log-density of `y`, over
        `D log 2`, is an upper bound of the bits per dimension of the integers (`layers.Dequantization`). Continuous
        examples are returned unchanged.

        Args:
          split: `"train"`, `"validation"` or `"test"`.
          seed: non-negative integer; the same seed gives the same noise.

        Returns:
          Floating array `[N, *event_shape]`.
        """
        x = self.examples(split)
        if self.discrete_levels is None:
            return x
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split),)))
        return _with_uniform_noise(x, rng)

    def batches(self, split, *, batch_size, seed, with_context=False, shuffle=True, dequantize=True, augment=None):
        """One split as a `tf.data.Dataset`, for `fit` and `evaluate`.

        Every pass over it is an epoch: shuffled anew, and discrete data dequantized anew (`dequantized`). A new
        call with the same seed gives the same sequence of epochs, whatever TensorFlow's global seed. Every example
        comes exactly once an epoch; the last batch may be smaller. A Python generator feeds it: iterate, do not save.

        Args:
          split: `"train"`, `"validation"` or `"test"`.
          batch_size: examples a batch, a positive integer.
          seed: non-negative integer.
          with_context: yield `(x, context)` instead of `x`.
          shuffle: whether to change the order; `False` keeps that of the arrays.
          dequantize: whether discrete data gets its noise; `False` yields the integers as they are stored, for models
            that dequantize themselves.
          augment: random changes of images, out of `augmentation.AUGMENTATIONS`, or `None`.

        Returns:
          A prefetching `tf.data.Dataset` of known cardinality: `x` floating, or integers as stored,
          `[batch, *event_shape]`; context int32 `[batch]` (labels) or floating `[batch, C]`.

        Raises:
          ValueError: a context asked for that the data do not have, augmentation of data that are not discrete images.
        """
        x, context = self.examples(split), self.context(split)
        check_integer(batch_size=batch_size)
        if with_context and context is None:
            raise ValueError(f"Dataset {self.name!r} has no context. Received: with_context=True")
        augment = augmentation.checked(augment)
        discrete = self.discrete_levels is not None
        if augment and not (discrete and self.image_shape):
            raise ValueError(
                f"Only discrete images are augmented. Received: augment={augment!r} for {self.name!r} with examples "
                f"of shape {self.event_shape} and discrete_levels={self.discrete_levels}"
            )
        noise_here = discrete and dequantize and not augment  # after an augmentation, noise has to wait for it
        epochs = 0

        def epoch():
            nonlocal epochs
            key = (SPLITS.index(split), epochs)
            epochs += 1
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
            order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
            for start in range(0, len(x), batch_size):
                rows = order[start : start + batch_size]
                batch = _with_uniform_noise(x[rows], rng) if noise_here else x[rows]
                yield (batch, context[rows]) if with_context else batch

        signature = tf.TensorSpec((None, *self.event_shape), tf.float32 if noise_here else x.dtype)
        if with_context:
            kind = tf.int32 if self.num_classes is not None else context.dtype
            signature = (signature, tf.TensorSpec((None, *context.shape[1:]), kind))
        pipeline = tf.data.Dataset.from_generator(epoch, output_signature=signature)
        noise_later = discrete and dequantize and not noise_here
        pipeline = augmentation.randomized(pipeline, augment=augment, dequantize=noise_later, seed=seed)
        return batching.ready(pipeline, -(-len(x) // batch_size))

    def _check_examples(self, split):
        x = self.examples(split)
        if not isinstance(x, np.ndarray) or x.ndim < 2 or x.shape[1:] != self.train.shape[1:]:
            raise ValueError(
                f"{self.name}: `{split}` must be an array [N, ...] of the same event shape as `train`. "
                f"Received: {_describe(x)}"
            )
        levels = self.discrete_levels
        wanted = self.train.dtype if self.train.dtype in _FLOATS else _FLOATS[0]
        if levels is None and x.dtype != wanted:
            hint = "; integers need `discrete_levels`" if x.dtype.kind in "iu" else ""
            raise ValueError(f"{self.name}: continuous `{split}` must be {wanted}{hint}. Received: {_describe(x)}")
        if levels is not None and (x.dtype.kind not in "iu" or np.any(x < 0) or np.any(x >= levels)):
            raise ValueError(
                f"{self.name}: discrete `{split}` must be integers in [0, {levels}). Received: {_describe(x)}"
            )

    def _check_context(self, split):
        context, first = self.context(split), self.context_train
        if (context is None) != (first is None):
            raise ValueError(
                f"{self.name}: all three splits must have a context, or none. Received: context_{split}="
                f"{_describe(context)}, context_train={_describe(first)}"
            )
        if context is None:
            return
        labels = self.num_classes is not None
        good = len(context) == len(self.examples(split)) and context.shape[1:] == first.shape[1:]
        if labels:
            good = good and context.ndim == 1 and context.dtype.kind in "iu"
            good = good and not np.any((context < 0) | (context >= self.num_classes))
        else:
            good = good and context.ndim == 2 and context.dtype in _FLOATS
        if not good:
            wanted = f"integer labels [N] in [0, {self.num_classes})" if labels else "float32 values [N, C], or float64"
            raise ValueError(
                f"{self.name}: `context_{split}` must be {wanted}, N = {len(self.examples(split))}. "
                f"Received: {_describe(context)}"
            )


def _with_uniform_noise(x, rng):
    """`x + u` in float32: the NumPy twin of `ops.numerics.below_next_integer`, for arrays that stay in main memory."""
    x = x.astype(np.float32)
    noise = np.maximum(rng.random(x.shape, dtype=np.float32), np.finfo(np.float32).epsneg)
    return np.minimum(x + noise, np.nextafter(x + 1, np.float32(0)))


def checked_split(split):
    """The name of a split; refuses one that there is not."""
    check_choice(SPLITS, split=split)
    return split


def _describe(value):
    if not isinstance(value, np.ndarray):
        return repr(value)
    extent = f", values {value.min()} to {value.max()}" if value.size and value.dtype.kind in "iuf" else ""
    return f"{value.dtype} array of shape {list(value.shape)}{extent}"
