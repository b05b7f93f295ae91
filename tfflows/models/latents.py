"""Where every architecture starts: a standard normal, in the dtype of bijections; of angles the uniform density."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def standard_normal(event_shape, dtype):
    """The distribution of latents: what is learned of it, such as the priors of Glow, is a bijector."""
    return tfd.Sample(tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), sample_shape=list(event_shape))


class NormalAndUniform(tfd.Distribution):
    """Vectors whose first entries are standard normal, whose last ones are angles, uniform on `[-pi, pi)`.

    The density of an angle is `1 / (2 pi)` everywhere: one over any turn.

    Args:
      num_normal, num_angles: ints, how many there are of either.
      dtype: `tf.DType`.
    """

    def __init__(self, num_normal, num_angles, dtype, name="normal_and_uniform"):
        parameters = dict(locals())
        self._sizes = num_normal, num_angles
        super().__init__(
            dtype=dtype,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _event_shape(self):
        return tf.TensorShape([sum(self._sizes)])

    def _event_shape_tensor(self):
        return tf.constant([sum(self._sizes)])

    def _log_prob(self, z):
        normal, angles = tf.split(z, self._sizes, axis=-1)
        constant = 0.5 * math.log(2 * math.pi) * (self._sizes[0] + 2 * self._sizes[1])
        return -0.5 * tf.reduce_sum(normal**2, axis=-1) - constant

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, salt=self.name)
        normal = tf.random.stateless_normal([n, self._sizes[0]], seeds[0], dtype=self.dtype)
        turns = tf.random.stateless_uniform([n, self._sizes[1]], seeds[1], dtype=self.dtype)
        return tf.concat([normal, 2 * math.pi * (turns - 0.5)], axis=-1)

    def tempered(self, z, temperature):
        """Draws with the first entries scaled: on a circle there is no mean to scale about.

        Raises:
          ValueError: all are angles.
        """
        if not self._sizes[0]:
            raise ValueError(
                "A temperature scales draws about their mean, which angles do not have. "
                f"Received: temperature={temperature} of a flow whose entries are all angles"
            )
        normal, angles = tf.split(z, self._sizes, axis=-1)
        return tf.concat([tf.cast(temperature, z.dtype) * normal, angles], axis=-1)


def dtype_of(policy):
    """float64 for a float64 policy, else float32: half precision is for conditioners only."""
    return tf.float64 if policy.variable_dtype == "float64" else tf.float32
