"""Images that went to latent space and came back: on the way between two, or to themselves."""

import numpy as np

from tfflows.ops import grids
from tfflows.plotting import images as tiles
from tfflows.plotting import style


def interpolations_figure(first, second, between, *, levels=None, labels=None):
    """A row for each pair of real images, with decoded images on the way from one to the other.

    The first and the last column, in a frame, are the real images themselves; all others are decoded.

    Args:
      first, second, between: real images `[n, H, W, C]`, and those on the way, `[n, steps, H, W, C]`.
      levels: as in `images_figure`.
      labels: what each pair is, `[n]`, or `None`.
    """
    first, second = tiles.as_images(first, "first"), tiles.as_images(second, "second")
    between = np.asarray(between)
    if between.ndim != 5 or first.shape != second.shape or between[:, 0].shape != first.shape:
        raise ValueError(
            "`between` must be [n, steps, H, W, C] for ends [n, H, W, C]. "
            f"Received: {between.shape} for {first.shape} and {second.shape}"
        )
    rows = np.concatenate([first[:, None], between, second[:, None]], axis=1)
    count, columns, height, width, _ = rows.shape
    figure, axes = tiles.rows_of_tiles(rows, labels, levels, margins=(0.6, 0.7))
    real = [0, columns - 1]
    axes.set_xticks(tiles.centres(real, width), ["real", "real"], color=style.SAMPLES)
    for row in range(count):
        for column in real:
            corner = ((width + 1) * column - 0.5, (height + 1) * row - 0.5)
            axes.add_patch(style.frame(corner, width, height))
    axes.set_xlabel("decoded on the way")
    return figure


def reconstructions_figure(images, reconstructions, errors=None, *, levels=None, title=""):
    """Rows of real images, of what the flow makes of their latents, and of errors, means over channels, with a scale.

    Args:
      images: real images `[n, H, W, C]`.
      reconstructions: the same after `decode(encode(x))`.
      errors: `[n, H, W, C]` to show, such as those before rounding; by default `|reconstruction - image|`.
      levels: as in `images_figure`.
      title: str.
    """
    images, again = tiles.as_images(images, "images"), tiles.as_images(reconstructions, "reconstructions")
    if images.shape != again.shape:
        raise ValueError(f"As many images of one shape are needed. Received: {images.shape} and {again.shape}")
    if errors is None:
        errors = np.abs(np.subtract(again, images, dtype=np.float64))
    errors = tiles.as_images(errors, "errors").mean(axis=-1)
    if errors.shape != images.shape[:3]:
        raise ValueError(f"Errors of every pixel are needed. Received: {errors.shape} for images {images.shape}")
    count = len(images)
    inches = style.image_inches(images.shape, count)
    figure = style.new_figure(inches[0] * count + 1.5, 3 * inches[1] + 0.9)
    rows = figure.subplots(3, 1)
    scale = tiles.value_range(images, levels)
    for axes, row, label in zip(rows, (images, again), ("real", "decoded")):
        tiles.show(axes, row, count, scale)
        axes.set_ylabel(label)
    picture = grids.tile(errors[..., None], count, background=np.nan)[..., 0]
    shown = tiles.bare(rows[2]).imshow(picture, cmap="magma", vmin=0, vmax=float(errors.max()) or 1.0)
    rows[2].set_ylabel("|error|")
    figure.colorbar(shown, ax=rows[2], label="levels" if levels is not None else "", fraction=0.02)
    rows[0].set_title(title, loc="left", fontsize=9)
    return figure
