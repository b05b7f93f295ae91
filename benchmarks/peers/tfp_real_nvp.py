"""RealNVP with TensorFlow Probability alone: ``tfb.RealNVP`` in a ``tfb.Chain`` around Keras 3 networks.

Training is a plain ``tf.function``, one step a call, as its documentation's examples do; with ``group`` above 1 so
many steps are made in one call.  The weights are those of the networks: TFP does not see them.

Differences from the case: none.  The log scale is unbounded; the last layer of a conditioner starts at zero.  35,344
parameters.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

BATCH_SIZE = 1024
LEARNING_RATE = 1e-3
LAYERS = 8
WIDTH = 64

tfb = tfp.bijectors
tfd = tfp.distributions


class PlainLoop:
    """Maximum-likelihood training with a compiled function.

    Args:
        distribution: What is trained.
        weights: Its trained variables.
        train_data: Array of shape ``[N, 2]``.
        group: Optimizer steps in one call.
    """

    def __init__(self, distribution, weights, train_data: np.ndarray, group: int):
        self.version = f"tensorflow_probability {tfp.__version__}, tensorflow {tf.__version__}"
        self.num_parameters = sum(int(np.prod(weight.shape)) for weight in weights)
        rows = len(train_data) // BATCH_SIZE
        batches = tf.constant(train_data[: rows * BATCH_SIZE].reshape(rows, BATCH_SIZE, -1))
        optimizer = keras.optimizers.Adam(LEARNING_RATE)
        optimizer.build(weights)

        def step(i):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(distribution.log_prob(tf.gather(batches, i % rows)))
            optimizer.apply_gradients(zip(tape.gradient(loss, [w.value for w in weights]), weights, strict=True))
            return loss

        @tf.function
        def many(start, count):
            loss = tf.constant(0.0)
            for k in tf.range(count):
                loss = step(start + k)
            return loss

        self._first, self._group = batches[0], group
        self._one_step, self._many_steps = tf.function(step), many
        self._log_prob = tf.function(distribution.log_prob)

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss = float("nan")
        for start in range(0, steps, self._group):
            count = min(self._group, steps - start)
            index = tf.constant(start)
            loss = self._one_step(index) if self._group == 1 else self._many_steps(index, tf.constant(count))
        return float(loss)

    def log_prob(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly, waiting for each result."""
        for _ in range(steps):
            self._log_prob(self._first).numpy()


def conditioner(in_size: int, out_size: int) -> keras.Sequential:
    """A network of two hidden layers that starts by returning zeros."""
    dense = keras.layers.Dense
    return keras.Sequential(
        [
            keras.Input((in_size,)),
            dense(WIDTH, activation="relu"),
            dense(WIDTH, activation="relu"),
            dense(out_size, kernel_initializer="zeros"),
        ]
    )


def build(seed: int, train_data: np.ndarray, *, group: int = 1) -> PlainLoop:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters.
        train_data: Array of shape ``[N, 2]``.
        group: Optimizer steps in one call of the compiled function.

    Returns:
        The trainer.
    """
    keras.utils.set_random_seed(seed)
    dim = train_data.shape[-1]
    half = dim // 2
    links, networks = [], []

    def shift_and_log_scale(network):
        return lambda x, units: tf.split(network(x), 2, axis=-1)

    for index in range(LAYERS):
        seen = half if index % 2 == 0 else dim - half
        networks.append(conditioner(seen, 2 * (dim - seen)))
        num_masked = seen if index % 2 == 0 else -seen
        links.append(tfb.RealNVP(num_masked=num_masked, shift_and_log_scale_fn=shift_and_log_scale(networks[-1])))
    base = tfd.MultivariateNormalDiag(tf.zeros(dim), tf.ones(dim))
    distribution = tfd.TransformedDistribution(base, tfb.Chain(links))
    weights = [weight for network in networks for weight in network.trainable_variables]
    return PlainLoop(distribution, weights, train_data, group)
