"""Fit a flow to a density that is known, and see how close it comes.

python examples/density_estimation.py [--density eight_gaussians] [--fast]

Prints the gap between the flow's and the true log-density in nats, with its standard error.
"""

import argparse

import keras
import numpy as np

import tfflows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--density", default="two_moons", choices=tfflows.datasets.toy_names())
    parser.add_argument("--fast", action="store_true", help="a small flow, a few steps")
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    density = tfflows.datasets.load(options.density, num_train=2_000 if options.fast else 100_000).density
    x = density.sample(2_000 if options.fast else 100_000, seed=0)
    epochs, batch_size = (1, 500) if options.fast else (10, 500)
    size = {"num_layers": 2, "hidden_units": (16,)} if options.fast else {"num_layers": 8, "hidden_units": (64, 64)}

    flow = tfflows.models.RealNVP(event_shape=density.event_shape, **size)
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, epochs * len(x) // batch_size)
    flow.compile(keras.optimizers.Adam(schedule))
    flow.fit(x, epochs=epochs, batch_size=batch_size, validation_split=0.05, verbose=2)

    test = density.sample(20_000, seed=1)
    gap = density.log_prob(test) - flow.log_prob(test).numpy()
    print(f"gap to the true density: {gap.mean():.4f} +- {gap.std() / np.sqrt(len(gap)):.4f} nats")


if __name__ == "__main__":
    main()
