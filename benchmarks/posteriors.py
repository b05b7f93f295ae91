"""What a posterior costs: the time of a training step of a variational autoencoder, relative to the Gaussian's.

    python benchmarks/posteriors.py

The same encoder and decoder (28 x 28 binary pixels, dense or convolutional layers, 256 features, Adam) around each
posterior layer. All are trained by `fit` in turns, in rounds, with and without XLA; a ratio is taken within a round, to
the Gaussian posterior with the same networks, compiled in the same way.
"""

import argparse
import time

import keras
import numpy as np
import reporting

from tfflows import layers, models

SIDE, FEATURES, LATENT_SIZE, BATCH_SIZE, NUM_FLOWS = 28, 256, 32, 128, 4
STEPS_PER_CALL = 16
POSTERIORS = {
    "Gaussian": lambda: layers.GaussianPosterior(LATENT_SIZE),
    "planar": lambda: layers.PlanarPosterior(LATENT_SIZE, num_flows=NUM_FLOWS),
    "radial": lambda: layers.RadialPosterior(LATENT_SIZE, num_flows=NUM_FLOWS),
    "Sylvester, orthogonal": lambda: layers.SylvesterPosterior(LATENT_SIZE, num_flows=NUM_FLOWS),
    "Sylvester, Householder": lambda: layers.SylvesterPosterior(LATENT_SIZE, num_flows=NUM_FLOWS, kind="householder"),
    "Sylvester, triangular": lambda: layers.SylvesterPosterior(LATENT_SIZE, num_flows=NUM_FLOWS, kind="triangular"),
    "IAF": lambda: layers.IAFPosterior(LATENT_SIZE, num_flows=NUM_FLOWS),
    "coupling": lambda: layers.CouplingPosterior(LATENT_SIZE, num_flows=NUM_FLOWS),
}
TARGETS = {"IAF": 1.6, **{name: 1.5 for name in POSTERIORS if name.startswith("Sylvester")}}
COMPILERS = {"graph": False, "XLA": True}
NETWORKS = ("dense", "convolutional")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument("--steps", type=int, default=128, help="training steps in a round (default 128)")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default both")
    parser.add_argument("--compilers", nargs="+", choices=COMPILERS, default=list(COMPILERS), help="default both")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.posteriors = list(POSTERIORS)
    if args.fast:
        args.rounds, args.steps, args.posteriors = 2, STEPS_PER_CALL, ["Gaussian", "Sylvester, orthogonal", "IAF"]
        args.networks, args.compilers = ["dense"], ["graph"]
    return args


def make_networks(kind):
    """An encoder from images to features, and a decoder from latents to logits."""
    dense, relu = keras.layers.Dense, {"activation": "relu"}
    if kind == "dense":
        encoder = [keras.layers.Flatten(), dense(512, **relu), dense(FEATURES, **relu)]
        decoder = [dense(FEATURES, **relu), dense(512, **relu), dense(SIDE**2), keras.layers.Reshape((SIDE, SIDE, 1))]
        return keras.Sequential(encoder), keras.Sequential(decoder)
    options, quarter = {"strides": 2, "padding": "same"}, SIDE // 4
    encoder = [keras.layers.Conv2D(filters, 3, **options, **relu) for filters in (32, 64)]
    encoder += [keras.layers.Flatten(), dense(FEATURES, **relu)]
    decoder = [dense(FEATURES, **relu), dense(quarter**2 * 64, **relu), keras.layers.Reshape((quarter, quarter, 64))]
    decoder += [keras.layers.Conv2DTranspose(32, 3, **options, **relu), keras.layers.Conv2DTranspose(1, 3, **options)]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def make_autoencoder(posterior, kind, compiler):
    """The autoencoder around a posterior, compiled."""
    encoder, decoder = make_networks(kind)
    vae = models.VariationalAutoencoder(encoder, decoder, posterior)
    jit_compile = COMPILERS[compiler]
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=jit_compile, steps_per_execution=STEPS_PER_CALL)
    return vae


def seconds_per_step(vaes, x, args):
    """Seconds of a step of each autoencoder, one per round; they take turns."""
    times = {name: [] for name in vaes}
    for vae in vaes.values():
        vae.fit(x[: STEPS_PER_CALL * BATCH_SIZE], batch_size=BATCH_SIZE, verbose=0)
    for _ in range(args.rounds):
        for name, vae in vaes.items():
            start = time.perf_counter()
            vae.fit(x, batch_size=BATCH_SIZE, verbose=0)
            times[name].append((time.perf_counter() - start) / args.steps)
    return times


def measure(kind, compiler, x, args):
    """Rows of the table for one kind of networks, compiled in one way, and the times by posterior."""
    vaes = {name: make_autoencoder(POSTERIORS[name](), kind, compiler) for name in args.posteriors}
    times = seconds_per_step(vaes, x, args)
    rows = []
    for name, vae in vaes.items():
        ratios = [mine / base for mine, base in zip(times[name], times["Gaussian"], strict=True)]
        target = TARGETS.get(name)
        reached = "-" if target is None else "yes" if reporting.median(ratios) <= target else "no"
        figures = [f"{1e3 * reporting.median(times[name]):.2f}", reporting.spread(ratios), target or "-", reached]
        rows.append([f"{kind}, {compiler}", name, f"{vae.count_params():,}", *figures])
    return rows, times


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).random((args.steps * BATCH_SIZE, SIDE, SIDE, 1))
    x, rows, record = (x < 0.2).astype("float32"), [], {"steps": args.steps}
    for kind in args.networks:
        for compiler in args.compilers:
            found, times = measure(kind, compiler, x, args)
            rows, record[f"{kind}, {compiler}"] = rows + found, times
            print(f"{kind}, {compiler}: done", flush=True)
    headers = ["networks", "posterior", "weights", "ms per step", "of the Gaussian's", "target", "reached"]
    text = (
        f"Training step of an autoencoder of {SIDE} x {SIDE} binary pixels, {FEATURES} features, {LATENT_SIZE} "
        f"latents, {NUM_FLOWS} flows, batches of {BATCH_SIZE}, Adam, by `fit`, {STEPS_PER_CALL} steps a call. "
        f"Milliseconds: median of {args.rounds} rounds of {args.steps} steps; ratios: median (smallest to largest) of "
        "ratios within a round.\n\n" + reporting.table(headers, rows)
    )
    print()
    reporting.report("posteriors", "What posteriors cost", text, record, args)


if __name__ == "__main__":
    main()
