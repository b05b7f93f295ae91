"""Seeds for TensorFlow's stateless random generators."""

import keras
import numpy as np
import tensorflow as tf


def drawn():
    """An int seed from TensorFlow's global generator, which `keras.utils.set_random_seed` sets."""
    return int(tf.random.uniform([], maxval=2**31 - 1, dtype=tf.int32))


def stateless(seed):
    """A seed that `tf.random.stateless_*` and TFP take.

    Args:
      seed: int, integers `[2]`, or a generator with a method `next()` such as `keras.random.SeedGenerator`.

    Returns:
      int32 `Tensor` `[2]`; from a generator, another one on each replica of a `tf.distribute` strategy.
    """
    if hasattr(seed, "next"):
        seed, replica = tf.cast(seed.next(), tf.int32), tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            seed = tf.random.fold_in(seed, replica.replica_id_in_sync_group)
        return seed
    return tf.constant([0, seed], tf.int32) if isinstance(seed, (int, np.integer)) else tf.convert_to_tensor(seed)


def given_or_drawn(seed):
    """An int seed for numpy: the given one, or one from Keras's global generator where it is `None`."""
    return int(keras.random.randint((), 0, 2**31 - 1)) if seed is None else seed


def plus(seed, number):
    """The seed of part `number` of something with a seed; `None` stays `None`."""
    return None if seed is None else seed + number
