"""Images that are read while they are used, with the face of a `Dataset`."""

import collections.abc
import dataclasses
import math

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.datasets import batching
from tfflows.datasets.dataset import SPLITS, Dataset, checked_split
from tfflows.datasets.images import augmentation

CACHE_BYTES = 2**30
_SHUFFLE_BYTES = 2**28  # of images in the shuffle buffer of a split that is not cached


@dataclasses.dataclass(frozen=True)
class Source:
    """Where one split comes from.

    Attributes:
      open: function of a seed, or of `None` for the order on disk, that returns a `tf.data.Dataset` of uint8 images
        `[height, width, channels]`, or of pairs of them and int64 labels. The seed may mix the order of files.
      num_examples: int.
      crop: whether images are larger than wanted: a random part of each is used, another one in every epoch of
        training and always the same one otherwise.
    """

    open: collections.abc.Callable
    num_examples: int
    crop: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class ImageStream:
    """8-bit images in three splits that are read from disk in every epoch, or once if they fit into the cache.

    It has the attributes and the `batches` of an in-memory `Dataset`; in place of arrays, `train`, `validation` and
    `test` are `tf.data.Dataset`s of single uint8 images `[height, width, channels]`, or of pairs of them and int64
    labels, in the order on disk.

    Attributes:
      name, num_classes, class_names, description: as of a `Dataset`.
      sources: dict from `"train"`, `"validation"`, `"test"` to a `Source`, or to `None` where there is no such split.
      image_shape: `(height, width, channels)`, which is also the `event_shape`.
      augmentations: dict from `"real_nvp"` and `"glow"` to the changes they were published with, for `batches`.
      cache_bytes: a split of up to so many bytes is kept in memory after it was read for the first time.
      discrete_levels: 256.
    """

    name: str
    sources: dict
    _: dataclasses.KW_ONLY
    image_shape: tuple
    num_classes: int | None = None
    class_names: tuple | None = None
    augmentations: dict = dataclasses.field(default_factory=dict)
    cache_bytes: int = CACHE_BYTES
    description: str = ""

    discrete_levels = 256
    columns = density = None

    event_shape = property(lambda self: self.image_shape, doc="Shape of one example, a tuple.")
    train = property(lambda self: self._examples("train"), doc="Single examples to train on.")
    validation = property(lambda self: self._examples("validation"), doc="Single examples to validate with, or `None`.")
    test = property(lambda self: self._examples("test"), doc="Single examples to judge with.")

    def num_examples(self, split):
        """How many examples a split has; 0 when there is no such split."""
        source = self._source(split)
        return 0 if source is None else source.num_examples

    def batches(self, split, *, batch_size, seed, with_context=False, shuffle=True, dequantize=True, augment=None):
        """One split as a `tf.data.Dataset`, for `fit` and `evaluate`: as `Dataset.batches`, but for the following.

        Images to train on are cropped anew in each epoch, too; others always alike, whatever the seed and the order.
        A new call gives the same sequence of epochs with the same seed and the same global seed of TensorFlow. A split
        that is not cached is shuffled by files and within a buffer of 256 MB of images, not as a whole.

        Args:
          split, batch_size, seed, with_context, dequantize: see there.
          shuffle: whether to change the order; `False` keeps that on disk.
          augment: names out of `augmentation.AUGMENTATIONS`, or `None`; `augmentations` holds the published ones.

        Returns, raises: see there; images are float32 or uint8 `[batch, *image_shape]`, labels int32 `[batch]`.
        """
        check_integer(batch_size=batch_size)
        source, augment = self._source(split), augmentation.checked(augment)
        if source is None:
            raise ValueError(f"{self.name!r} was loaded without that split. Received: split={split!r}")
        if with_context and self.num_classes is None:
            raise ValueError(f"{self.name!r} has no labels. Received: with_context=True")
        size = math.prod(self.image_shape)
        cached = not source.crop and source.num_examples * size <= self.cache_bytes
        fixed = source.crop and split != "train"
        mixed = shuffle and not cached and not fixed
        examples = source.open(seed if mixed else None).map(self._chosen(source, with_context))
        if fixed:  # by the order on disk
            examples = self._cropped(examples)
        if cached:
            examples = examples.cache()
        if shuffle:
            buffer = source.num_examples if cached else max(batch_size, _SHUFFLE_BYTES // size)
            examples = examples.shuffle(min(buffer, source.num_examples), seed=seed)
        if source.crop and not fixed:
            examples = self._cropped(examples, seed)
        batches = examples.batch(batch_size, num_parallel_calls=tf.data.AUTOTUNE)
        batches = augmentation.randomized(batches, augment=augment, dequantize=dequantize, seed=seed)
        options = tf.data.Options()
        options.deterministic = True
        return batching.ready(batches.with_options(options), -(-source.num_examples // batch_size))

    def in_memory(self):
        """Reads everything into arrays: a `Dataset` with the same images and labels. No split may be missing."""
        missing = [split for split in SPLITS if self._source(split) is None]
        if missing:
            raise ValueError(f"All three splits are needed. Received: {self.name!r} without {', '.join(missing)}")
        arrays, labels = [], []
        for split in SPLITS:
            batches = self._examples(split).batch(1024).as_numpy_iterator()
            parts = [batch if isinstance(batch, tuple) else (batch, None) for batch in batches]
            arrays.append(np.concatenate([images for images, _ in parts]))
            if self.num_classes is not None:
                labels.append(np.concatenate([label for _, label in parts]).astype(np.int32))
        return Dataset(
            self.name,
            *arrays,
            *labels,
            num_classes=self.num_classes,
            class_names=self.class_names,
            discrete_levels=self.discrete_levels,
            description=self.description,
        )

    def _source(self, split):
        return self.sources.get(checked_split(split))

    def _examples(self, split):
        source = self._source(split)
        if source is None:
            return None
        examples = source.open(None)
        return self._cropped(examples) if source.crop else examples

    def _chosen(self, source, with_context):
        """A function that picks what a batch holds out of an example."""
        shape = (None, None, self.image_shape[-1]) if source.crop else self.image_shape

        def choose(image, label=None):
            image = tf.ensure_shape(image, shape)
            return (image, tf.cast(label, tf.int32)) if with_context else image

        return choose

    def _cropped(self, examples, seed=None):
        """A random part of each image, another one in every epoch, or without a seed by its place in the order."""

        def crop(example, number):
            image, *label = example if isinstance(example, tuple) else (example,)
            key = tf.stack([tf.constant(seed or 0, tf.int64), number])
            image = tf.image.stateless_random_crop(image, self.image_shape, key)
            return (image, *label) if label else image

        if seed is None:
            numbers = tf.data.Dataset.counter()
        else:
            numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        return tf.data.Dataset.zip((examples, numbers)).map(crop, num_parallel_calls=tf.data.AUTOTUNE)
