"""What a latent may have as its prior: nothing (a standard normal), a distribution, a flow."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint.weights import adopt

tfd = tfp.distributions


def check(prior, latent_size):
    """Refuses a prior that is not one over events `[latent_size]`; a flow is told that it will have no data.

    Raises:
      TypeError: neither a `tfd.Distribution` nor a model with `log_prob`, `sample` and `event_shape`.
      ValueError: batches of distributions, or events of another shape.
    """
    if prior is None:
        return
    if not all(hasattr(prior, name) for name in ("log_prob", "sample", "event_shape")):
        raise TypeError(
            f"`prior` must be a tfp.distributions.Distribution or a tfflows flow. Received: {type(prior).__name__}"
        )
    batch = tuple(getattr(prior, "batch_shape", ()))
    if tuple(prior.event_shape) != (latent_size,) or batch:
        raise ValueError(
            f"`prior` must be over events of shape ({latent_size},), the latent's, with batch shape []. "
            f"Received: event shape {tuple(prior.event_shape)}, batch shape {batch}"
        )
    if hasattr(prior, "wants_data"):
        prior.wants_data = False


def layers_of(prior):
    """The Keras layers that hold the weights of a distribution; a flow is a layer itself."""
    return adopt(prior) if isinstance(prior, tfd.Distribution) else []


def log_prob(prior, z):
    """`log p(z)` of latents `[..., D]`, nats `[...]`."""
    if prior is None:
        return -0.5 * tf.reduce_sum(z**2 + math.log(2 * math.pi), axis=-1)
    # A new tensor: TFP's cache then holds no answer for it from before a weight update.
    return tf.cast(prior.log_prob(tf.identity(z)), z.dtype)


def sample(prior, n, latent_size, *, dtype, seed, temperature):
    """Draws `[n, latent_size]`; a temperature scales those of a distribution about its mean, of a flow in its base."""
    if prior is None:
        return tf.cast(temperature, dtype) * tf.random.stateless_normal([n, latent_size], seed, dtype=dtype)
    if not isinstance(prior, tfd.Distribution):
        return tf.cast(prior.sample(n, seed=seed, temperature=temperature), dtype)
    return tempered(prior, tf.cast(prior.sample(n, seed=seed), dtype), temperature)


def base_of(prior):
    """The distribution that a temperature scales: the prior, the base of one that is a flow, `None` of none."""
    return prior if prior is None or isinstance(prior, tfd.Distribution) else prior.distribution.distribution


def check_temperature(temperature, distribution=None):
    """The mean about which a temperature scales draws of a distribution; `None` where it needs none.

    Raises:
      ValueError: a temperature that is not positive, as far as it is known; or a distribution without a mean, as a
        Cauchy's, or one that TFP does not know.
    """
    known = not tf.is_tensor(temperature)
    if known and not (isinstance(temperature, (int, float, np.number)) and temperature > 0):
        raise ValueError(f"`temperature` must be positive. Received: {temperature}")
    if distribution is None or (known and temperature == 1) or hasattr(distribution, "tempered"):
        return None
    try:
        mean = distribution.mean()
        value = tf.get_static_value(mean)
    except NotImplementedError:
        value = math.nan
    if value is not None and not np.isfinite(value).all():
        raise ValueError(
            "A temperature scales draws about their mean, and needs a distribution with one. "
            f"Received: temperature={temperature} with {type(distribution).__name__}"
        )
    return mean


def tempered(distribution, z, temperature):
    """Draws of a distribution, scaled about its mean, or by its own method `tempered(z, temperature)`.

    Errors: as `check_temperature`.
    """
    mean = check_temperature(temperature, distribution)
    if not tf.is_tensor(temperature) and temperature == 1:
        return z
    if mean is None:
        return distribution.tempered(z, temperature)
    mean, temperature = tf.cast(mean, z.dtype), tf.cast(temperature, z.dtype)
    return tf.where(temperature == 1, z, mean + temperature * (z - mean))  # as they are, also without a mean
