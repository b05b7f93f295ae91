"""Binary masks over an event: 1 (True) = copied, 0 = transformed."""

import numpy as np


def half(size, *, flip=False):
    """First half of a vector copied, second half transformed (the other way round when `flip`).

    Args:
      size: int >= 2, number of entries of the event.
      flip: bool, swap the two roles.

    Returns:
      Boolean array `[size]`.
    """
    _at_least_two(size)
    mask = np.arange(size) < (size + 1) // 2
    return ~mask if flip else mask


def alternating(size, *, flip=False):
    """Even entries of a vector copied, odd entries transformed: the checkerboard of a vector event.

    Args:
      size: int >= 2, number of entries of the event.
      flip: bool, swap the two roles.

    Returns:
      Boolean array `[size]`.
    """
    _at_least_two(size)
    mask = np.arange(size) % 2 == 0
    return ~mask if flip else mask


def checkerboard(image_shape, *, flip=False):
    """Pixels copied where row + column is even, the others transformed: RealNVP's spatial mask.

    Args:
      image_shape: `(H, W, C)` with at least 2 pixels.
      flip: bool, swap the two roles.

    Returns:
      Boolean array `[H, W, C]`.

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, section 3.4, figure 3.
    """
    height, width, channels = image_shape
    _at_least_two(height * width)
    mask = np.add.outer(np.arange(height), np.arange(width)) % 2 == 0
    return np.repeat((~mask if flip else mask)[..., None], channels, axis=-1)


def channel_half(image_shape, *, flip=False):
    """First half of the channels copied, the others transformed: the channel-wise mask.

    Args:
      image_shape: `(H, W, C)` with `C >= 2`.
      flip: bool, swap the two roles.

    Returns:
      Boolean array `[H, W, C]`.
    """
    return np.broadcast_to(half(image_shape[-1], flip=flip), tuple(image_shape)).copy()


def checked(mask, event_shape=None):
    """A mask as a boolean array, refused when it could not define a coupling.

    Args:
      mask: array-like of 0/1 or booleans over the whole event.
      event_shape: expected shape, or `None` to take the mask's own.

    Returns:
      Boolean array of the mask's shape.

    Raises:
      ValueError: the mask is a scalar, has another shape than `event_shape`, holds values other than 0 and 1,
        or is all ones (nothing is transformed) or all zeros (nothing conditions).
    """
    values = np.asarray(mask)
    if values.ndim == 0:
        raise ValueError(f"`mask` must cover an event of rank 1 or more. Received: the scalar {values}")
    if event_shape is not None and values.shape != tuple(event_shape):
        raise ValueError(f"`mask` must have the event's shape {tuple(event_shape)}. Received: shape {values.shape}")
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"`mask` must hold only 0 (transformed) and 1 (copied). Received: {np.unique(values)[:8]}")
    values = values.astype(bool)
    if values.all() or not values.any():
        what = "all ones (nothing would be transformed)" if values.all() else "all zeros (nothing would be copied)"
        raise ValueError(f"`mask` must hold both ones (copied) and zeros (transformed). Received: {what}")
    return values


def _at_least_two(size):
    if size < 2:
        raise ValueError(f"A mask needs an event of at least 2 entries to split. Received: size={size}")
