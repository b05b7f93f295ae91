"""What a latent may have as its prior: nothing (a standard normal), a distribution, a flow."""

import math

import tensorflow as tf


def check_prior(prior, latent_size):
    """Refuses a prior that is not one over events `[latent_size]`.

    Raises:
      TypeError: neither a `tfd.Distribution` nor a model with `log_prob` and `sample`.
      ValueError: batches of distributions, or events of another shape.
    """
    if prior is None:
        return
    if not (hasattr(prior, "log_prob") and hasattr(prior, "sample") and hasattr(prior, "event_shape")):
        raise TypeError(
            f"`prior` must be a tfp.distributions.Distribution or a tfflows flow. Received: {type(prior).__name__}"
        )
    batch = tuple(getattr(prior, "batch_shape", ()))
    if tuple(prior.event_shape) != (latent_size,) or batch:
        raise ValueError(
            f"`prior` must be over events of shape ({latent_size},), the latent's, with batch shape []. "
            f"Received: event shape {tuple(prior.event_shape)}, batch shape {batch}"
        )


def log_prior(prior, z):
    """`log p(z)`, nats `[...]`, of a prior as in `Posterior`."""
    if prior is None:
        return -0.5 * tf.reduce_sum(z**2 + math.log(2 * math.pi), axis=-1)
    # A new tensor: TFP's cache then holds no answer for it from before a weight update.
    return tf.cast(prior.log_prob(tf.identity(z)), z.dtype)
