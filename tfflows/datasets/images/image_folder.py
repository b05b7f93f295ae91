"""A user's own folder of images as a data set."""

import collections
import concurrent.futures
import math
import numbers
import os
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_choice, check_sizes
from tfflows.datasets.dataset import SPLITS, Dataset
from tfflows.datasets.images import image_files
from tfflows.datasets.images.image_stream import ImageStream, Source
from tfflows.datasets.splitting import FRACTIONS, split_rows

_LISTED = 10
MEMORY_BYTES = 2**30


def from_image_folder(
    path,
    *,
    image_size=None,
    channels=None,
    labelled=None,
    on_error="raise",
    seed=0,
    fractions=FRACTIONS,
    memory_bytes=MEMORY_BYTES,
):
    """Reads a folder of PNG, JPEG, WebP, BMP, GIF or TIFF images and splits them.

    Subfolders are classes, numbered in the order of their names, as in `keras.utils.image_dataset_from_directory`.
    Unlike there, every file is decoded before anything is trained on: a corrupt one, or one of another size, is named
    now, not met in the middle of an epoch, and nothing is resized unasked. On two cores that takes about a second for
    a thousand small images.

    Args:
      path: of the folder.
      image_size: `(height, width)`, or one number for squares: each image is cut to that aspect around its middle and
        averaged over areas. By default nothing is resized and all images must have the size that most have.
      channels: 3 for RGB, 1 for luminance. By default 1 if all images are grey, otherwise 3.
      labelled: whether subfolders are classes; by default if there are any. `False` takes all images below the folder,
        without labels.
      on_error: `"raise"` refuses a folder with a file that is corrupt, has more than 8 bits a channel, several frames,
        transparent pixels or another size, naming the files; `"skip"` leaves them out with a warning that names them.
      seed: of the split, a non-negative integer.
      fractions: of train, validation and test; `None` leaves all images, in the order of their names, to test.
      memory_bytes: up to so many bytes of pixels are kept in memory; larger folders are read in every epoch.

    Returns:
      A `Dataset` of uint8 images `[N, height, width, channels]` with int32 labels or none, or, beyond `memory_bytes`,
      an `ImageStream`.

    Raises:
      ValueError: if there is no such folder, it holds fewer than three images, or files that are refused.

    Example:

    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> from tfflows import datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for k in range(10):
    ...         place = pathlib.Path(folder, "bright" if k % 2 else "dark")
    ...         place.mkdir(exist_ok=True)
    ...         Image.new("RGB", (8, 8), (20 * k, 0, 0)).save(place / f"{k}.png")
    ...     data = datasets.from_image_folder(folder)
    >>> data.train.shape, data.train.dtype.name, data.class_names
    ((8, 8, 8, 3), 'uint8', ('bright', 'dark'))
    """
    size = _size(image_size)
    check_choice((None, 1, 3), channels=channels)
    check_choice(("raise", "skip"), on_error=on_error)
    folder = pathlib.Path(path)
    names, labels, class_names = image_files.find(folder, labelled)
    shapes = _parallel(lambda name: _shape(folder / name), names)
    bad = {k: reason for k, reason in enumerate(shapes) if isinstance(reason, str)}
    if size is None and len(bad) < len(names):
        sizes = {k: shape[:2] for k, shape in enumerate(shapes) if k not in bad}
        size = collections.Counter(sizes.values()).most_common(1)[0][0]
        text = "{} x {} pixels, most are {} x {}"
        bad.update((k, text.format(*each, *size)) for k, each in sizes.items() if each != size)
    good = [k for k in range(len(names)) if k not in bad]
    if bad:
        _report(folder, names, bad, on_error)
    if len(good) < 3 and fractions is not None:
        raise ValueError(f"At least 3 images are needed. Received: {str(folder)!r} with {len(good)} that can be used")
    if channels is None:
        channels = max(shapes[k][2] for k in good)
    image_shape = (*size, channels)
    rows = [np.array(good)[part] for part in split_rows(len(good), seed=seed, fractions=fractions)]
    contexts = [None if labels is None else labels[part] for part in rows]
    known = {
        "num_classes": None if class_names is None else len(class_names),
        "class_names": class_names,
        "description": f"{len(good)} images of {folder.name}.",
    }
    parts = [[folder / names[k] for k in part] for part in rows]
    if len(good) * math.prod(image_shape) > memory_bytes:
        return _stream(folder.name, parts, contexts, image_shape, known)
    pixels = [_parallel(lambda each: image_files.read(each, channels, size), part) for part in parts]
    arrays = [np.reshape(np.array(part, np.uint8), (-1, *image_shape)) for part in pixels]
    return Dataset(folder.name, *arrays, *contexts, discrete_levels=256, **known)


def _shape(path):
    """`(height, width, channels)` of an image file, or, as a string, why it cannot be used."""
    try:
        return image_files.read(path).shape
    except ValueError as error:
        return str(error)


def _parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders let go of Python's lock
        return list(pool.map(function, items))


def _report(folder, names, bad, on_error):
    listed = "; ".join(f"{names[k].as_posix()}: {bad[k]}" for k in sorted(bad)[:_LISTED])
    more = f"; and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
    if on_error == "skip":
        warnings.warn(f"{folder.name}: left out {len(bad)} of {len(names)} images: {listed}{more}", stacklevel=3)
        return
    found = f"{len(bad)} of {len(names)} that are not: {listed}{more}"
    raise ValueError(
        "Images must be readable, of 8 bits a channel, one frame, no transparency and one size; pass image_size= to "
        f"resize, or on_error='skip' to leave such files out. Received: {str(folder)!r} with {found}"
    )


def _stream(name, parts, labels, image_shape, known):
    def source(paths, labels):
        paths = np.array(list(map(str, paths)))

        def decode(path, *label):
            image = tf.numpy_function(_pixels, [path, image_shape], tf.uint8, stateful=False)
            image = tf.ensure_shape(image, image_shape)
            return (image, *label) if label else image

        def read(seed):
            files = tf.data.Dataset.from_tensor_slices((paths,) if labels is None else (paths, labels.astype(np.int64)))
            if seed is not None:
                files = files.shuffle(len(paths), seed=seed)  # names are small: a new order of all in every epoch
            return files.map(decode, num_parallel_calls=tf.data.AUTOTUNE)

        return Source(read, len(paths))

    sources = {split: source(*each) for split, *each in zip(SPLITS, parts, labels)}
    return ImageStream(name, sources, image_shape=image_shape, cache_bytes=0, **known)


def _pixels(path, image_shape):
    height, width, channels = map(int, image_shape)
    try:
        return image_files.read(path.decode(), channels, (height, width))
    except ValueError as error:
        raise ValueError(f"{path.decode()}: {error}") from error


def _size(image_size):
    if image_size is None:
        return None
    size = (image_size, image_size) if isinstance(image_size, numbers.Integral) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(f"`image_size` must be (height, width) or one number. Received: {image_size!r}")
    check_sizes(image_size=size)
    return tuple(map(int, size))
