"""Train the same variational autoencoder with every posterior, and compare them.

python examples/vae_posteriors.py [--data digits] [--seeds 3] [--epochs 300] [--only gaussian iaf] [--fast]

Data are binarised once, each pixel 1 with the probability of its grey level, from a fixed seed: the 8 x 8 digits that
come with scikit-learn, or mnist and omniglot of TensorFlow Datasets. Every posterior gets the same encoder, decoder,
prior, warm-up of the divergence and number of steps; the weights are those of the epoch with the best validation ELBO.
Prints one table of the test images: ELBO and importance-weighted log-likelihood in nats (means over seeds; the error is
over seeds when there are several, over images otherwise), the ELBO's difference from the Gaussian posterior's of the
same seed, weights, and time of a training step.
"""

import argparse
import functools
import math
import time

import keras
import numpy as np

from tfflows import callbacks, datasets, evaluation, layers, models


def orthogonal(latent_size, **options):
    """Of half as many vectors as latents: with all of them it is the Householder kind."""
    return layers.SylvesterPosterior(latent_size, kind="orthogonal", num_vectors=max(1, latent_size // 2), **options)


POSTERIORS = {
    "gaussian": layers.GaussianPosterior,
    "planar": layers.PlanarPosterior,
    "radial": layers.RadialPosterior,
    "sylvester, orthogonal": orthogonal,
    "sylvester, householder": functools.partial(layers.SylvesterPosterior, kind="householder"),
    "sylvester, triangular": functools.partial(layers.SylvesterPosterior, kind="triangular"),
    "iaf": layers.IAFPosterior,
    "coupling": layers.CouplingPosterior,
}


def read(name, fast):
    """The binarised data set."""
    data = datasets.load(name) if name == "digits" else datasets.load(name).in_memory()
    data = datasets.binarized(data)
    flat = {part: data.examples(part).reshape(data.num_examples(part), -1) for part in ("train", "validation", "test")}
    return {part: x[:64] if fast else x for part, x in flat.items()}


def dense(units, outputs=None):
    stack = [keras.layers.Dense(width, activation="relu") for width in units]
    return keras.Sequential(stack if outputs is None else [*stack, keras.layers.Dense(outputs)])


class BestWeights(keras.callbacks.EarlyStopping):
    """The weights of the epoch with the best validation ELBO; training never stops before its end."""

    def __init__(self, after):
        super().__init__("val_elbo", mode="max", patience=10**9, restore_best_weights=True, start_from_epoch=after)


def train(posterior, data, seed, options):
    """The trained model, and the seconds of a training step."""
    keras.utils.set_random_seed(seed)
    pixels, batch_size = data["train"].shape[1], options.batch_size
    vae = models.VariationalAutoencoder(
        dense(options.hidden_units),
        dense(options.hidden_units[::-1], pixels),
        posterior(options.latent_size, seed=seed),
    )
    steps = options.epochs * math.ceil(len(data["train"]) / batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    vae.compile(keras.optimizers.Adam(rate, global_clipnorm=100.0))
    watchers = [callbacks.KLWarmUp(max(1, steps // 10)), BestWeights(options.epochs // 10)]
    clock = StepClock()
    vae.fit(
        data["train"],
        batch_size=batch_size,
        epochs=options.epochs,
        validation_data=(data["validation"],),
        verbose=0,
        callbacks=[clock, *watchers],
    )
    return vae, clock.seconds_per_step()


class StepClock(keras.callbacks.Callback):
    """The time of training steps: median over epochs of an epoch's batches, validation left out."""

    def __init__(self):
        super().__init__()
        self._epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self._last, self._steps = time.perf_counter(), batch + 1

    def on_epoch_end(self, epoch, logs=None):
        self._epochs.append((self._last - self._start) / self._steps)

    def seconds_per_step(self):
        return float(np.median(self._epochs))


def measured(values):
    """Mean and error of `Estimate`s, one per seed."""
    means = np.array([each.mean for each in values])
    error = values[0].standard_error if len(values) == 1 else means.std(ddof=1) / math.sqrt(len(means))
    return f"{-means.mean():.2f} ± {error:.2f}"


def difference(mine, reference):
    """Mean over seeds of differences of log-likelihoods, in nats, with its error when there are several."""
    gaps = np.array([b.mean - a.mean for a, b in zip(mine, reference)])
    return f"{gaps.mean():+.2f}" + (f" ± {gaps.std(ddof=1) / math.sqrt(len(gaps)):.2f}" if len(gaps) > 1 else "")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", choices=("digits", "mnist", "omniglot"))
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each posterior (default 3)")
    parser.add_argument("--epochs", type=int, help="default 300 of digits, 100 of the others")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="at the start (default 0.001)")
    parser.add_argument("--latent-size", type=int, help="default 8 of digits, 32 of the others")
    parser.add_argument("--num-flows", type=int, default=4, help="of every posterior that has some (default 4)")
    parser.add_argument("--draws", type=int, default=1000, help="of z for a test image (default 1000)")
    parser.add_argument("--only", nargs="+", choices=POSTERIORS, default=list(POSTERIORS))
    parser.add_argument("--fast", action="store_true", help="a few images, two posteriors, one step")
    options = parser.parse_args()
    small = options.data == "digits"
    options.epochs = options.epochs or (300 if small else 100)
    options.latent_size = options.latent_size or (8 if small else 32)
    options.hidden_units = (128, 128) if small else (400, 400)
    if options.fast:
        options.epochs, options.seeds, options.draws, options.only = 1, 1, 2, ["gaussian", "iaf"]
        options.num_flows, options.hidden_units = 1, (16,)
    return options


def main():
    options = parse_options()
    data = read(options.data, options.fast)
    print(f"{options.data}, binarised: {len(data['train'])} training, {len(data['test'])} test images")
    print(f"| posterior | ELBO | minus Gaussian's | log p(x), {options.draws} draws | weights | ms a step |")
    print("| --- | --- | --- | --- | --- | --- |")
    reference = None
    for name in options.only:
        make = POSTERIORS[name]
        flows = {} if name == "gaussian" else {"num_flows": options.num_flows}
        elbos, weighted, seconds = [], [], []
        for seed in range(options.seeds):
            vae, step = train(functools.partial(make, **flows), data, seed, options)
            few, many = {"num_draws": min(100, options.draws)}, {"num_draws": options.draws}
            elbos.append(evaluation.discrete_negative_log_likelihood(vae, data["test"], **few, seed=seed))
            weighted.append(evaluation.importance_weighted(vae, data["test"], **many, seed=seed))
            seconds.append(step)
        reference = elbos if name == "gaussian" else reference
        gap = "-" if name == "gaussian" or reference is None else difference(elbos, reference)
        cells = [name, measured(elbos), gap, measured(weighted), f"{vae.count_params():,}"]
        print("| " + " | ".join([*cells, f"{1e3 * np.median(seconds):.2f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
