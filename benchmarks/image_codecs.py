"""How many bits per dimension lossless image formats need."""

import dataclasses
import io
import math
import struct

import numpy as np
from PIL import Image

OPTIONS = {
    "PNG": {"format": "PNG", "optimize": True},
    "WebP": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
}
_PNG_FRAME = 12  # length, kind and checksum of a chunk


@dataclasses.dataclass(frozen=True)
class Size:
    """Bits per dimension of a set of images in one format.

    Attributes:
      files: whole files, one for each image: what is compared.
      payload: of these files only what depends on the pixels: PNG's IDAT chunks without their frames, WebP's VP8L
        chunk without its frame. Headers and checksums do not count.
      sheet: one whole file of all images side by side; overlapping images help it, since it may copy what it has seen.
    """

    files: float
    payload: float
    sheet: float


def size(images, name):
    """The `Size` of integer images `[N, H, W, C]`, 1 or 3 channels, values below 256, in the format of that name."""
    images = np.asarray(images, np.uint8)
    encoded = [encode(image, name) for image in images]
    counted = {"files": sum(map(len, encoded)), "payload": sum(_payload(each, name) for each in encoded)}
    counted["sheet"] = len(encode(sheet(images), name)) * images.size / sheet(images).size
    return Size(**{what: 8 * number / images.size for what, number in counted.items()})


def encode(image, name):
    """The bytes of the file of one image; checked to give the same pixels back."""
    buffer = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.save(buffer, **OPTIONS[name])
    buffer.seek(0)
    back = np.asarray(Image.open(buffer).convert(picture.mode))
    if not np.array_equal(back, np.asarray(picture)):
        raise ValueError(f"{name} must be lossless. Received: other pixels")
    return buffer.getvalue()


def sheet(images):
    """One picture of all images side by side, the rest of its last row 0."""
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    padded = np.zeros((rows * columns, height, width, channels), np.uint8)
    padded[:count] = images
    grid = padded.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, channels)


def _payload(data, name):
    if name == "WebP":  # RIFF size WEBP, then chunks of kind, size, bytes
        position, total = 12, 0
        while position < len(data):
            kind, length = data[position : position + 4], struct.unpack("<I", data[position + 4 : position + 8])[0]
            total += length if kind == b"VP8L" else 0
            position += 8 + length + length % 2
        return total
    position, total = 8, 0
    while position < len(data):
        length, kind = struct.unpack(">I", data[position : position + 4])[0], data[position + 4 : position + 8]
        total += length if kind == b"IDAT" else 0
        position += _PNG_FRAME + length
    return total
