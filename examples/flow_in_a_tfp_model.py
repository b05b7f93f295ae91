"""tfflows bijectors as the variational posterior of a plain TFP model.

python examples/flow_in_a_tfp_model.py [--fast]

The model: a log-gain s ~ N(0, 1) and an input b ~ N(0, 1) give one measurement y ~ N(exp(s) b, 0.3), observed 2.
The posterior of (s, b) is a curved ridge: a diagonal Gaussian covers a piece of it, a flow follows it. Prints the
evidence lower bound of each beside the exact log-evidence, found by a grid.
"""

import argparse

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.ops import masks

tfd, tfb = tfp.distributions, tfp.bijectors
OBSERVED = 2.0


def target_log_prob(latent):
    """log p(s, b, y = observed), in nats."""
    s, b = latent[..., 0], latent[..., 1]
    unit = tfd.Normal(0.0, 1.0)
    return unit.log_prob(s) + unit.log_prob(b) + tfd.Normal(tf.exp(s) * b, 0.3).log_prob(OBSERVED)


def log_evidence():
    """log p(y) by the rectangle rule on a grid of spacing 0.01."""
    axis = np.arange(-6, 6, 0.01, dtype="float32")
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    return float(tf.reduce_logsumexp(target_log_prob(grid))) + 2 * np.log(0.01)


def gaussian():
    base = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    scale = tfp.util.TransformedVariable(tf.ones(2), tfb.Softplus())
    return tfd.TransformedDistribution(base, tfb.Shift(tf.Variable([0.0, 0.0]))(tfb.Scale(scale)))


def flow(count):
    couplings = [
        bijectors.AffineCoupling(
            masks.half(2, flip=i % 2 == 1), networks.MLP(2, hidden_units=(32, 32), seed=i), name=f"c{i}"
        )
        for i in range(count)
    ]
    return tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2)), bijectors.Chain(couplings))


def fit(posterior, steps):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, steps))
    variables = posterior.trainable_variables

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            latent, log_q = posterior.experimental_sample_and_log_prob(256)
            loss = tf.reduce_mean(log_q - target_log_prob(latent))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    for _ in range(steps):
        step()
    latent, log_q = posterior.experimental_sample_and_log_prob(20_000)
    return float(tf.reduce_mean(target_log_prob(latent) - log_q))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="a small flow, a few steps")
    steps, count = (50, 2) if parser.parse_args().fast else (2000, 6)
    keras.utils.set_random_seed(0)
    print(f"exact log-evidence           {log_evidence():.3f}")
    print(f"lower bound, diagonal normal {fit(gaussian(), steps):.3f}")
    print(f"lower bound, {count} couplings     {fit(flow(count), steps):.3f}")


if __name__ == "__main__":
    main()
