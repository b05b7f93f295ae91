"""Binary masks over an event: 1 (True) = copied, 0 = transformed.

Those made here are boolean arrays of the event's shape, which needs at least 2 entries to split (`ValueError`); `flip`
swaps the two roles.
"""

import numpy as np


def half(size, *, flip=False):
    """First half of a vector of `size` entries copied, second half transformed."""
    _check_splits(size)
    return (np.arange(size) < (size + 1) // 2) ^ flip


def alternating(size, *, flip=False):
    """Even entries of a vector of `size` entries copied, odd ones transformed: the checkerboard of a vector."""
    _check_splits(size)
    return (np.arange(size) % 2 == 0) ^ flip


def checkerboard(image_shape, *, flip=False):
    """Pixels of an image `(H, W, C)` copied where row + column is even, the others transformed: RealNVP's spatial mask.

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, section 3.4, figure 3.
    """
    height, width, channels = image_shape
    _check_splits(height * width)
    mask = (np.add.outer(np.arange(height), np.arange(width)) % 2 == 0) ^ flip
    return np.repeat(mask[..., None], channels, axis=-1)


def channel_half(image_shape, *, flip=False):
    """First half of the channels of an image `(H, W, C)` copied, the others transformed: the channel-wise mask."""
    return np.broadcast_to(half(image_shape[-1], flip=flip), tuple(image_shape)).copy()


def checked(mask, event_shape=None):
    """A mask, an array-like of 0/1 or booleans over the whole event, as a boolean array of the same shape.

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


def _check_splits(size):
    if size < 2:
        raise ValueError(f"A mask needs an event of at least 2 entries to split. Received: size={size}")
