"""The image sets of the published tables, out of TensorFlow Datasets, prepared as in the papers."""

import collections.abc
import dataclasses
import math

import tensorflow as tf

from tfflows.arguments import check_integer, did_you_mean
from tfflows.datasets.images.image_stream import CACHE_BYTES, ImageStream, Source

_SCENE_SIDE = 96
_FLIP = {"real_nvp": ("flip",)}
_NUM_VALIDATION = 5_000


@dataclasses.dataclass(frozen=True)
class _Published:
    builder: str
    image_shape: tuple
    labelled: bool = True
    validation: str | None = None  # None: the end of train
    test: str = "test"
    prepare: collections.abc.Callable | None = None
    crop: bool = False
    augmentations: dict = dataclasses.field(default_factory=dict)


def faces(image):
    """A CelebA image of 218 x 178 as 64 x 64: rows 40 to 187 and columns 15 to 162, averaged over areas, rounded."""
    return _shrunk(image[40:188, 15:163], (64, 64))


def scenes(image):
    """An image with its smaller side brought to 96 pixels, averaged over areas, rounded."""
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    return _shrunk(image, tf.cast(tf.round(sides * (_SCENE_SIDE / tf.reduce_min(sides))), tf.int32))


def letters(image):
    """An Omniglot drawing of 105 x 105, ink black on white, as 28 x 28 x 1 with ink white, averaged over areas."""
    return _shrunk(255 - image[..., :1], (28, 28))


def square(side):
    """A function that brings an image to `side x side`; images that are, as all published ones, stay as they are."""

    def prepare(image):
        same = tf.reduce_all(tf.shape(image)[:2] == side)
        image = tf.cond(same, lambda: image, lambda: _shrunk(image, (side, side)))
        return tf.ensure_shape(image, (side, side, 3))

    return prepare


def _shrunk(image, size):
    resized = tf.image.resize(image, size, method=tf.image.ResizeMethod.AREA)
    return tf.cast(tf.round(resized), tf.uint8)


_SETS = {
    "mnist": _Published("mnist", (28, 28, 1)),
    "fashion_mnist": _Published("fashion_mnist", (28, 28, 1)),
    "omniglot": _Published("omniglot", (28, 28, 1), False, prepare=letters),
    "cifar10": _Published("cifar10", (32, 32, 3), augmentations={**_FLIP, "glow": ("shift",)}),
    "cifar100": _Published("cifar100", (32, 32, 3)),
    "svhn_cropped": _Published("svhn_cropped", (32, 32, 3)),
    "celeb_a": _Published("celeb_a", (64, 64, 3), False, "validation", prepare=faces, augmentations=_FLIP),
    **{
        f"{builder}_{side}x{side}": _Published(
            f"{builder}/{side}x{side}", (side, side, 3), labelled, test="validation", prepare=square(side)
        )
        for builder, labelled in (("downsampled_imagenet", False), ("imagenet_resized", True))
        for side in (32, 64)
    },
    **{
        f"lsun_{category}": _Published(
            f"lsun/{category}", (64, 64, 3), False, test="validation", prepare=scenes, crop=True, augmentations=_FLIP
        )
        for category in ("bedroom", "tower", "church_outdoor")
    },
}


def tfds_names():
    """Names that `tfds_images` knows, a tuple."""
    return tuple(_SETS)


def tfds_images(
    name, *, data_dir=None, download=True, num_train=None, num_validation=None, num_test=None, cache_bytes=CACHE_BYTES
):
    """A published image set, read by TensorFlow Datasets and prepared as in the papers.

    | name | images | labels | test | prepared |
    | --- | --- | --- | --- | --- |
    | `mnist`, `fashion_mnist` | 28 x 28 x 1 | 10 | test | |
    | `omniglot` | 28 x 28 x 1 | | test | shrunk, ink white; other splits than those of [5] |
    | `cifar10`, `cifar100`, `svhn_cropped` | 32 x 32 x 3 | 10, 100, 10 | test | |
    | `celeb_a` | 64 x 64 x 3 | | test | rows 40 to 187, columns 15 to 162, shrunk [1] |
    | `downsampled_imagenet_32x32`, `..._64x64` | as named | | validation | none; the tables' ImageNet [2] |
    | `imagenet_resized_32x32`, `..._64x64` | as named | 1,000 | validation | none; another downsampling [3] |
    | `lsun_bedroom`, `lsun_tower`, `lsun_church_outdoor` | 64 x 64 x 3 | | validation (300) | smaller side shrunk to \
96, random 64 x 64 part [1] |

    Shrinking averages over areas and rounds to integers, so that likelihoods are those of discrete data. The code of
    RealNVP shrinks CelebA bilinearly and leaves fractions, to which it adds noise; Glow's evaluation on LSUN follows
    RealNVP's preparation [4, section 5]. The part of a test image of LSUN is random, as published, but the same every
    time.

    Published changes during training are in `augmentations`, to be passed to `batches(augment=)`: RealNVP mirrors
    CIFAR-10, CelebA and LSUN [1, section 4.1]; Glow shifts CIFAR-10 by up to a tenth [4, its code]; ImageNet is left
    alone by both.

    Args:
      name: one of `tfds_names()`, or as TensorFlow Datasets spells it (`"lsun/tower"`).
      data_dir: where the prepared data are or go; by default TensorFlow Datasets' own folder.
      download: whether to fetch and prepare what is not in `data_dir`.
      num_train: use the first so many examples of train; by default all.
      num_validation: size of validation. By default CelebA's own split, for others the last 5,000 examples of train,
        which are then not trained on. 0 means no validation: everything is trained on, as in the papers.
      num_test: use the first so many examples of test; by default all.
      cache_bytes: a split of up to so many bytes is kept in memory after it was read for the first time; LSUN never.

    Returns:
      An `ImageStream`.

    Raises:
      ImportError: if tensorflow-datasets is not installed.
      FileNotFoundError: if the data are not there and `download` is false.

    References:
      [1] L. Dinh, J. Sohl-Dickstein and S. Bengio, Density estimation using Real NVP, ICLR 2017, section 4.1; offsets
        of the crop from its code, tensorflow/models real_nvp_multiscale_dataset.py.
      [2] A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, Pixel Recurrent Neural Networks, ICML 2016.
      [3] P. Chrabaszcz, I. Loshchilov and F. Hutter, A Downsampled Variant of ImageNet, 2017.
      [4] D. Kingma and P. Dhariwal, Glow, NeurIPS 2018; openai/glow, data_loaders.
      [5] Y. Burda, R. Grosse and R. Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    key = canonical(name)
    if key is None:
        hint = did_you_mean(_spelled(name), _SETS)
        raise ValueError(f"Unknown image set.{hint} Names: {', '.join(_SETS)}. Received: {name!r}")
    published = _SETS[key]
    for least, sizes in ((1, {"num_train": num_train, "num_test": num_test}), (0, {"num_validation": num_validation})):
        check_integer(least, **{what: size for what, size in sizes.items() if size is not None})
    builder = _prepared(published.builder, data_dir, download)
    train, validation = "train", published.validation
    if validation is None and num_validation != 0:
        held_out = num_validation or _NUM_VALIDATION
        size = builder.info.splits["train"].num_examples if "train" in builder.info.splits else math.inf
        if size <= held_out:
            raise ValueError(
                f"`num_validation` must leave examples to train on. Received: num_validation={held_out} of {size} in "
                f"{builder.name!r}"
            )
        train, validation = f"train[:-{held_out}]", f"train[-{held_out}:]"
    wanted = {
        "train": (train, num_train),
        "validation": (validation if num_validation != 0 else None, num_validation),
        "test": (published.test, num_test),
    }
    label = builder.info.features["label"] if published.labelled else None
    return ImageStream(
        key,
        {split: part and _source(builder, published, part, most) for split, (part, most) in wanted.items()},
        image_shape=published.image_shape,
        num_classes=None if label is None else label.num_classes,
        class_names=None if label is None else tuple(label.names),
        augmentations=published.augmentations,
        cache_bytes=cache_bytes,
        description=f"{published.builder} of TensorFlow Datasets, version {builder.version}.",
    )


def canonical(name):
    """The name of a published set whatever its spelling, or `None` for another name."""
    key = _spelled(name)
    return key if key in _SETS else None


def _spelled(name):
    return str(name).lower().replace("-", "_").replace("/", "_")


def _prepared(name, data_dir, download):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f"The data set {name!r} is read by TensorFlow Datasets: pip install tensorflow-datasets"
        ) from error
    builder = tfds.builder(name, data_dir=data_dir)
    if download:
        builder.download_and_prepare()
    return builder


def _source(builder, published, part, most):
    """The `Source` of a split in TensorFlow Datasets' words, limited to its first `most` examples."""
    import tensorflow_datasets as tfds

    features = {"image": True, "label": True} if published.labelled else {"image": True}

    def choose(example):
        image = example["image"] if published.prepare is None else published.prepare(example["image"])
        return (image, tf.cast(example["label"], tf.int64)) if published.labelled else image

    def read(seed):
        shuffled = seed is not None and most is None  # the first examples are the same in any order
        examples = builder.as_dataset(
            split=part,
            shuffle_files=shuffled,
            decoders=tfds.decode.PartialDecoding(features),
            read_config=tfds.ReadConfig(shuffle_seed=seed if shuffled else None, try_autocache=False),
        )
        if most is not None:
            examples = examples.take(most)
        return examples.map(choose, num_parallel_calls=tf.data.AUTOTUNE)

    try:
        count = int(read(None).cardinality())
    except AssertionError as error:
        raise FileNotFoundError(
            f"Prepared data are needed; pass download=True to fetch them. Received: {builder.name!r}, which is not in "
            f"{builder.data_dir}"
        ) from error
    return Source(read, count, crop=published.crop)
