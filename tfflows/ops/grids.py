"""Many images as one."""

import numpy as np

_LEAST_SIDE = 32


def tile(images, columns, *, background=0, margin=1):
    """Images side by side, row by row, with a line between them.

    Args:
      images: array `[n, H, W, C]`.
      columns: int >= 1, images in a row; the last row may be shorter.
      background: value of the lines and of missing images.
      margin: int, width of the lines in pixels.

    Returns:
      Array `[rows (H + margin) - margin, columns (W + margin) - margin, C]` of the dtype of `images`.

    Example:

    >>> import numpy as np
    >>> from tfflows.ops import grids
    >>> grids.tile(np.ones([3, 1, 1, 1]), 2)[..., 0].tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    from skimage.util import montage  # only here: pictures are rarely drawn

    images = np.asarray(images)
    if images.ndim != 4 or not images.size or columns < 1:
        raise ValueError(
            f"Images [n, H, W, C] and at least one column are needed. Received: shape {images.shape}, {columns} columns"
        )

    grid = (-(-len(images) // columns), columns)
    picture = montage(images, [background] * images.shape[-1], grid_shape=grid, padding_width=margin, channel_axis=-1)
    return picture[margin : picture.shape[0] - margin, margin : picture.shape[1] - margin]


def picture(images, low, high, columns):
    """A picture to write to a file: 8-bit tiles on white, images of less than 32 pixels enlarged by whole numbers.

    Args:
      images, columns: see `tile`.
      low, high: values that are black, and white or full colour.
    """
    factor = -(-_LEAST_SIDE // max(np.shape(images)[1:3]))
    images = to_bytes(images, low, high).repeat(factor, axis=1).repeat(factor, axis=2)
    return tile(images, columns, background=255, margin=2)


def to_bytes(images, low, high):
    """Values from `low` (0) to `high` (255), clipped, as uint8."""
    share = (np.asarray(images, np.float64) - low) / (high - low)
    return np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
