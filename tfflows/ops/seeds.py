"""Seeds for TensorFlow's stateless random generators."""

import numpy as np
import tensorflow as tf


def stateless(seed):
    """A seed that `tf.random.stateless_*` and TFP take.

    Args:
      seed: int, an integer `Tensor` `[2]`, or a generator with a method `next()` such as `keras.random.SeedGenerator`.

    Returns:
      int32 `Tensor` `[2]`.
    """
    if hasattr(seed, "next"):
        return tf.cast(seed.next(), tf.int32)
    return tf.constant([0, seed], tf.int32) if isinstance(seed, (int, np.integer)) else seed
