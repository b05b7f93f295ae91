"""Ways between real examples through latent space."""

import numpy as np

from tfflows.arguments import check_integer


def interpolations(model, first, second, context=None, *, num_steps=9, spherical=True, seed=0):
    """Decoded latents on the way from one example to another.

    Latents of flows are standard normal: in many dimensions nearly all lie at a distance of `sqrt(D)` from the origin.
    The middle of a straight line between two of them is nearer by a factor of about `sqrt(2)`, as samples of
    temperature 0.7 are, where the flow shows blander examples than it was trained on. `spherical`, the default, turns
    the direction at a constant rate and takes the distance linearly from one end's to the other's:

        z_t = ((1 - t) |a| + t |b|) (sin((1 - t) o) a/|a| + sin(t o) b/|b|) / sin(o),    cos(o) = a.b / (|a| |b|)

    With `spherical=False`, `z_t = (1 - t) a + t b`, as in the figures of Glow.

    Args:
      model: anything with `encode(x[, context], seed=)` and `decode(z[, context])`.
      first, second: examples `[n, *event_shape]`, as many, to start and to end at.
      context: `[n, ...]` of both ends, of a conditional model; `None` otherwise.
      num_steps: int >= 2, points on the way, the ends among them.
      spherical: bool.
      seed: int, of the noise of dequantization.

    Returns:
      Array `[n, num_steps, *event_shape]` of what `decode` gives. The ends are reconstructions of the examples.

    References:
      White. Sampling generative networks. 2016, arXiv 1609.04468, section 2.1. Kingma, Dhariwal. Glow. 2018, arXiv
      1807.03039, section 6.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape or not len(first):
        raise ValueError(
            f"`first` and `second` must hold as many examples of one shape. Received: {first.shape}, {second.shape}"
        )
    check_integer(2, num_steps=num_steps)
    given = () if context is None else (np.asarray(context),)
    ends = [np.asarray(model.encode(x, *given, seed=seed)) for x in (first, second)]
    way = between(*ends, np.linspace(0, 1, num_steps), spherical=spherical)
    flat = way.reshape(-1, *ends[0].shape[1:])
    decoded = np.asarray(model.decode(flat, *(np.repeat(part, num_steps, axis=0) for part in given)))
    return decoded.reshape(len(first), num_steps, *decoded.shape[1:])


def between(a, b, t, *, spherical=True):
    """Points between latents, the formulas of `interpolations`.

    Args:
      a, b: arrays `[n, ...]`.
      t: array `[steps]`, 0 at `a`, 1 at `b`.
      spherical: bool; latents on one line through the origin are joined by a straight line all the same.

    Returns:
      Array `[n, steps, ...]` of the dtype of `a`.
    """
    t = np.asarray(t, np.float64)[:, None]
    flat_a, flat_b = (np.reshape(end, (len(end), 1, -1)).astype(np.float64) for end in (a, b))
    straight = (1 - t) * flat_a + t * flat_b
    if spherical:
        length_a, length_b = (np.linalg.norm(end, axis=-1, keepdims=True) for end in (flat_a, flat_b))
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = np.sum(flat_a * flat_b, axis=-1, keepdims=True) / (length_a * length_b)
            angle = np.arccos(np.clip(cosine, -1, 1))
            turned = np.sin((1 - t) * angle) * flat_a / length_a + np.sin(t * angle) * flat_b / length_b
            turned *= ((1 - t) * length_a + t * length_b) / np.sin(angle)
        straight = np.where(np.abs(cosine) < 1 - 1e-9, turned, straight)  # also where the angle is not a number
    return straight.reshape(len(a), len(t), *np.shape(a)[1:]).astype(np.asarray(a).dtype)
