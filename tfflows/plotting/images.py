"""Images: data beside samples, samples in labelled rows."""

import numpy as np

from tfflows.ops import grids
from tfflows.plotting import style


def images_figure(data, samples, *, image_shape=None, levels=None, rows=4, columns=12, labels=None):
    """A grid of images from the data above one of samples.

    Args:
      data: images `[n, H, W, C]`, or vectors of their pixels `[n, D]`; the first `rows * columns` are shown.
      samples: the same of the flow; values beyond the range are clipped.
      image_shape: `(H, W)` or `(H, W, C)` of vectors.
      levels: number of levels of discrete data: black is 0, white (or full colour) `levels - 1`. By default black is
        the smallest and white the largest value of the data.
      rows: int, of each grid.
      columns: int.
      labels: what the images of each column are, `[columns]`, or `None`.
    """
    data, samples = as_images(data, "data", image_shape), as_images(samples, "samples", image_shape)
    if data.shape[1:] != samples.shape[1:]:
        raise ValueError(
            f"`data` and `samples` must be images of one shape. Received: {data.shape[1:]} and {samples.shape[1:]}"
        )
    black_and_white = value_range(data, levels)
    inches = style.image_inches(data.shape, columns)
    figure = style.new_figure(inches[0] * columns + 0.3, 2 * (inches[1] * rows + 0.35) + (labels is not None) * 0.4)
    for axes, images, title in zip(figure.subplots(2, 1), (data, samples), ("data", "samples of the flow")):
        show(axes, images[: rows * columns], columns, black_and_white)
        axes.set_title(title, loc="left")
    if labels is not None:
        axes.set_xticks(centres(range(len(labels)), data.shape[2]), list(map(str, labels)))
        axes.set_xlabel("class given to the flow")
    return figure


def image_rows_figure(images, labels, *, levels=None, ylabel="", title=""):
    """Rows of images, each with a label: one class, or one temperature, a row.

    Args:
      images: `[rows, columns, H, W, C]`.
      labels: what each row is, `[rows]`.
      levels: as in `images_figure`.
      ylabel: what the labels are.
      title: str.
    """
    images = np.asarray(images)
    if images.ndim != 5 or not images.size or len(labels) != len(images):
        raise ValueError(
            "Images [rows, columns, H, W, C] and one label per row are needed. "
            f"Received: shape {images.shape}, {len(labels)} labels"
        )
    figure, axes = rows_of_tiles(images, labels, levels, margins=(0.8, 0.5 if title else 0.2))
    axes.set_ylabel(ylabel)
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def rows_of_tiles(images, labels, levels, *, margins):
    """A figure and its axes with images `[rows, columns, H, W, C]`, a label at each row unless `labels` is `None`."""
    rows, columns, *shape = images.shape
    inches = style.image_inches(images.shape[1:], columns)
    figure = style.new_figure(inches[0] * columns + margins[0], inches[1] * rows + margins[1])
    axes = figure.subplots()
    flat = images.reshape(-1, *shape)
    show(axes, flat, columns, value_range(flat, levels))
    if labels is not None:
        axes.set_yticks(centres(range(rows), shape[0]), list(map(str, labels)))
    return figure, axes


def show(axes, images, columns, black_and_white):
    """Tiles images into an axis without a frame."""
    picture = grids.tile(grids.to_bytes(images, *black_and_white), columns, background=255)
    axes.imshow(
        picture if picture.shape[-1] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest"
    )
    bare(axes)


def bare(axes):
    """Removes the frame and the ticks; returns the axes."""
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes


def centres(numbers, side):
    """Where the middles of tiles of that height or width are, by number."""
    return [(side + 1) * i + (side - 1) / 2 for i in numbers]


def value_range(images, levels):
    """`(black, white)`: 0 and the last level, or the extremes of the images."""
    if levels is not None:
        return 0, levels - 1
    low, high = float(images.min()), float(images.max())
    return low, high if high > low else low + 1


def as_images(values, what, image_shape=None):
    """Finite images `[n, H, W, C]`, `n` at least 1, `C` 1 or 3, of such, or of vectors of pixels."""
    values = np.asarray(values)
    if values.ndim == 2 and image_shape is not None:
        shape = tuple(image_shape) if len(image_shape) == 3 else (*image_shape, 1)
        if values.shape[1] != np.prod(shape):
            raise ValueError(
                f"Images of shape {tuple(image_shape)} are vectors of {np.prod(shape)}. "
                f"Received: `{what}` with vectors of {values.shape[1]}"
            )
        values = values.reshape(-1, *shape)
    if values.ndim != 4 or not values.size or values.shape[-1] not in (1, 3):
        raise ValueError(f"`{what}` must be images [n, H, W, 1 or 3]. Received: shape {values.shape}")
    return style.finite(values, what)
