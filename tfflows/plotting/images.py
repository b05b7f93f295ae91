"""Small grey images: data above, samples below."""

import math

import numpy as np

from tfflows.plotting import style


def images_figure(data, samples, *, image_shape, levels=None, rows=4, columns=12, labels=None):
    """A grid of images from the data above one of samples.

    Args:
      data: images as vectors `[n, height * width]`; the first `rows * columns` are shown.
      samples: the same of the flow `[m, height * width]`; values beyond the range of grey are clipped.
      image_shape: `(height, width)`.
      levels: number of grey levels of discrete data: white is 0, black `levels - 1`. By default black is the largest
        and white the smallest value of the data.
      rows: int, of each grid.
      columns: int.
      labels: what the samples of each column were conditioned on, `[columns]`, or `None`.

    Returns:
      `matplotlib.figure.Figure` with two axes.

    Raises:
      ValueError: vectors that are not `height * width` long, or bad arrays.
    """
    data, samples = style.matrix(data, "data"), style.matrix(samples, "samples")
    size = math.prod(image_shape)
    if data.shape[1] != size or samples.shape[1] != size:
        raise ValueError(
            f"Images of shape {tuple(image_shape)} are vectors of {size}. "
            f"Received: {data.shape[1]} (data) and {samples.shape[1]} (samples)"
        )
    white, black = (data.min(), data.max()) if levels is None else (0, levels - 1)
    figure = style.new_figure(0.6 * columns, 1.2 * rows + 0.8)
    for axes, images, title in zip(figure.subplots(2, 1), (data, samples), ("data", "samples of the flow")):
        axes.imshow(_tile(images, image_shape, rows, columns, white), cmap="gray_r", vmin=white, vmax=black)
        axes.set_title(title, loc="left")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    if labels is not None:
        step = image_shape[1] + 1
        axes.set_xticks([step * i + image_shape[1] / 2 for i in range(len(labels))], list(map(str, labels)))
        axes.tick_params(length=0)
        axes.set_xlabel("class given to the flow")
    return figure


def _tile(images, image_shape, rows, columns, white):
    """One picture of `rows x columns` images with a line of white between them."""
    height, width = image_shape
    picture = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), white, dtype=np.float64)
    for k, image in enumerate(images[: rows * columns]):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        picture[top : top + height, left : left + width] = image.reshape(image_shape)
    return picture
