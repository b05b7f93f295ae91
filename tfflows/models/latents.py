"""Where every architecture starts: a standard normal, in the dtype of bijections."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def standard_normal(event_shape, dtype):
    """The distribution of latents: what is learned of it, such as the priors of Glow, is a bijector."""
    return tfd.Sample(tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), sample_shape=list(event_shape))


def dtype_of(policy):
    """float64 for a float64 policy, else float32: half precision is for conditioners only."""
    return tf.float64 if policy.variable_dtype == "float64" else tf.float32
