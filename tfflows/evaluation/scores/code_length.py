"""How long the lossless code of an image is."""

import io

import numpy as np

from tfflows.arguments import check_choice

_FINE_PIXELS = 24 * 24  # up to here WebP's slowest method is affordable, and below 16 x 16 no other will do
CODECS = ("png", "webp")


def code_lengths(images, codec="best"):
    """Length in bits of the file of each image, by Pillow.

    How well they measure complexity: noise around grey of a standard deviation that differs by image (0.3 to 20
    levels), so that its entropy is known, in bits per pixel (`python benchmarks/code_lengths.py`: Pillow 13.0, libwebp
    1.6.0, zlib 1.2.13). Constant: the file of an image of one level, all of it header. Beyond: how much longer others
    are than that and their entropy. Error: their deviation from the best line in the entropy. Rank: the rank
    correlation with it.

    | side | PNG: constant | beyond | error | rank | WebP: constant | beyond | error | rank |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | 8 | 9.13 | 2.11 | 0.30 | 0.989 | 3.75 | 1.24 | 0.29 | 0.985 |
    | 12 | 4.11 | 1.56 | 0.26 | 0.996 | 1.67 | 0.75 | 0.17 | 0.996 |
    | 16 | 2.31 | 1.23 | 0.25 | 0.998 | 0.94 | 0.49 | 0.15 | 0.998 |
    | 24 | 1.08 | 0.91 | 0.17 | 0.999 | 0.42 | 0.28 | 0.10 | 0.999 |
    | 32 | 0.63 | 0.83 | 0.15 | 0.999 | 0.30 | 0.20 | 0.09 | 0.999 |
    | 64 | 0.20 | 0.63 | 0.08 | 1.000 | 0.09 | 0.06 | 0.03 | 1.000 |

    Headers dominate 8 x 8 pixels, where the PNG of a constant image is longer than its pixels, but they are the same
    for all images of a shape and so change no order; what is left orders noise well. Only WebP's `method` matters:
    with libwebp's default, 4, the error is 1.18 at 8 x 8 and 0.47 at 12 x 12 (rank 0.749 and 0.961), and complexity
    hardly shows. Up to 24 x 24 pixels method 6 is used, beyond, where it is slow and gains little, 4.

    Args:
      images: integers `[n, height, width, channels]`, 1 or 3 channels, levels below 256.
      codec: "png" (`optimize=True`), "webp" (lossless, `quality=100`), or "best", the shorter for each image.

    Returns:
      Float64 array `[n]`, bits.

    Raises:
      ValueError: other images, an unknown codec, or a Pillow without WebP.

    Example:

    >>> import numpy as np
    >>> from tfflows.evaluation import scores
    >>> flat, noise = np.zeros([1, 32, 32, 1], "uint8"), np.random.default_rng(0).integers(256, size=[1, 32, 32, 1])
    >>> bool(scores.code_lengths(flat)[0] < 300 < 8 * 1024 < scores.code_lengths(noise)[0])
    True
    """
    check_choice(("best", *CODECS), codec=codec)
    images = check_images(images)
    names = CODECS if codec == "best" else (codec,)
    return np.min([[8.0 * len(encoded(image, name)) for image in images] for name in names], axis=0)


def encoded(image, codec, **options):
    """The bytes of the file of an image, uint8 `[height, width, 1 or 3]`; options of Pillow's `save` besides."""
    from PIL import Image, features

    if codec == "png":
        options = {"format": "PNG", "optimize": True, **options}
    elif features.check("webp"):
        method = 6 if image.shape[0] * image.shape[1] <= _FINE_PIXELS else 4
        options = {"format": "WEBP", "lossless": True, "quality": 100, "method": method, **options}
    else:
        raise ValueError('`codec` must be "png" where Pillow is built without WebP. Received: "webp"')
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, **options)
    return buffer.getvalue()


def check_images(images):
    """Images as uint8; refuses what no file of 8 bits holds."""
    images = np.asarray(images)
    shaped = images.ndim == 4 and images.size and images.shape[-1] in (1, 3)
    if not shaped or images.dtype.kind not in "iu" or images.min() < 0 or images.max() > 255:
        raise ValueError(
            "Codes are of integer images [n, height, width, channels] with 1 or 3 channels and levels below 256. "
            f"Received: {images.dtype} array of shape {list(images.shape)}"
        )
    return images.astype(np.uint8)
