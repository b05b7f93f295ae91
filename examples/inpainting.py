"""The missing half of a digit, drawn from its exact posterior given the other half.

python examples/inpainting.py [--fast] [--figure inpainted.png]

A flow has the log-density of whole images, and with it, up to a constant, that of missing pixels given the others:

    log p(missing | seen) = log p(missing, seen) - log p(seen)

Hamiltonian Monte Carlo (TFP's) draws from it by the gradient; nothing is trained for the task. The flow is a RealNVP of
8 x 8 digits with Gaussian noise; seen is the upper half. Printed are root mean square errors, in levels of a pixel, of
the mean of the draws, of the mean of a Gaussian fitted to the same images given the upper half (in closed form; Ledoit
and Wolf's covariance), and of the mean of all images.
"""

import argparse
import pathlib

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.covariance import LedoitWolf

from tfflows import datasets, layers, models, plotting

NOISE = 0.06  # standard deviation, where all 17 levels span 1


def inpainted(log_prob, x, seen, start, *, num_draws=100, num_burnin=300, step_size=0.1, seed=0):
    """Draws of the missing entries of vectors given the others, by Hamiltonian Monte Carlo, a chain a vector.

    Args:
      log_prob: function from vectors `[n, D]` to `log p`, `[n]`, up to a constant.
      x: array `[n, D]`; the entries that are missing are not looked at.
      seen: booleans `[D]`.
      start: array `[n, D]` or `[D]`, where chains start.
      num_draws, num_burnin: ints, steps that are kept, and steps before, in which the size of a step adapts.
      step_size: float, to begin with.
      seed: int.

    Returns:
      `(draws, accepted)`: `[num_draws, n, D]`, the seen entries as they were, and the share of steps that were
      accepted after the burn-in.
    """
    order = np.argsort(np.concatenate([np.flatnonzero(seen), np.flatnonzero(~seen)]))
    known = tf.constant(x[:, seen])

    def whole(missing):
        return tf.gather(tf.concat([known, missing], axis=-1), order, axis=-1)

    kernel = tfp.mcmc.HamiltonianMonteCarlo(lambda missing: log_prob(whole(missing)), step_size, num_leapfrog_steps=8)
    kernel = tfp.mcmc.SimpleStepSizeAdaptation(kernel, int(0.8 * num_burnin), target_accept_prob=0.75)
    state = tf.constant(np.broadcast_to(start, x.shape)[:, ~seen], known.dtype)

    @tf.function(autograph=False)
    def run():
        draws, accepted = tfp.mcmc.sample_chain(
            num_draws, state, kernel=kernel, num_burnin_steps=num_burnin, seed=[0, seed],
            trace_fn=lambda _, results: results.inner_results.is_accepted,
        )  # fmt: skip
        return tf.map_fn(whole, draws), tf.reduce_mean(tf.cast(accepted, tf.float32))

    draws, accepted = run()
    return draws.numpy(), float(accepted)


def gaussian_mean(mean, covariance, x, seen):
    """The mean of a Gaussian given the seen entries of vectors `[n, D]`: `[n, D]`."""
    found = x.astype("float64")
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, ~seen)])
    found[:, ~seen] = mean[~seen] + (x[:, seen] - mean[seen]) @ weights
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=pathlib.Path, help="where to write images and draws (default: nowhere)")
    parser.add_argument("--fast", action="store_true", help="a small flow, two epochs, few draws")
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    data, seen = datasets.digits(), np.arange(64) < 32
    noise = layers.GaussianAugmentation(17, scale=NOISE, seed=0)
    size = {"num_layers": 2, "hidden_units": (8,)} if options.fast else {"num_layers": 6, "hidden_units": (128,)}
    flow = models.RealNVP((64,), dequantization=noise, seed=0, **size)
    epochs = 2 if options.fast else 60
    steps = epochs * -(-len(data.train) // 64)
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), global_clipnorm=1.0))
    flow.fit(data.train, batch_size=64, epochs=epochs, verbose=0)

    x = data.test[: 4 if options.fast else 60]
    reals = noise(x, seed=1)[0].numpy()  # as the flow knows them: with noise, seen and missing pixels alike
    lengths = {"num_draws": 5, "num_burnin": 10} if options.fast else {"num_draws": 200, "num_burnin": 300}
    draws, accepted = inpainted(flow.log_prob, reals, seen, data.train.mean(axis=0) + 0.5, **lengths)
    fitted = LedoitWolf().fit(data.train)
    guesses = {
        "draws of the flow, their mean": draws.mean(axis=0) - 0.5,
        "Gaussian, its mean given the upper half": gaussian_mean(fitted.location_, fitted.covariance_, x, seen),
        "mean of all images": np.broadcast_to(fitted.location_, x.shape),
    }
    print(f"Hamiltonian Monte Carlo: {accepted:.0%} of the steps accepted")
    if options.figure:
        kept = draws[:: len(draws) // 4][:4, :8] - 0.5
        hidden = np.where(seen, x[:8], 8)
        rows = [x[:8], hidden, *kept, guesses["draws of the flow, their mean"][:8]]
        labels = ["image", "seen", *(f"draw {i + 1}" for i in range(len(kept))), "mean"]
        images = np.clip(np.stack(rows), 0, 16).reshape(len(rows), -1, 8, 8, 1)
        plotting.image_rows_figure(images, labels, levels=17).savefig(options.figure)
    for name, guess in guesses.items():
        print(f"{name:<42} {np.sqrt(np.mean((guess - x)[:, ~seen] ** 2)):.4f} levels")


if __name__ == "__main__":
    main()
