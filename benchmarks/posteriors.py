"""What a posterior costs: the time of a training step of a variational autoencoder, relative to the Gaussian's.

    python benchmarks/posteriors.py

The same encoder and decoder (784 binary pixels, dense layers, Adam) around each posterior layer. All are trained by
`fit` in turns, in rounds, with and without XLA; a ratio is taken within a round, to the Gaussian posterior compiled in
the same way.
"""

import argparse
import time

import keras
import numpy as np
import reporting

from tfflows import layers, models

PIXELS, UNITS, LATENT_SIZE, BATCH_SIZE, NUM_FLOWS = 784, 512, 32, 128, 4
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
MODES = {"graph": False, "XLA": True}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument("--steps", type=int, default=128, help="training steps in a round (default 128)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.rounds, args.steps = 2, STEPS_PER_CALL
    return args


def dense(units, *, last=None):
    """Hidden layers, and a last one without an activation."""
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(2)]
    return keras.Sequential(hidden if last is None else [*hidden, keras.layers.Dense(last)])


def make_autoencoder(posterior, jit_compile):
    """The autoencoder around a posterior, compiled."""
    vae = models.VariationalAutoencoder(dense(UNITS), dense(UNITS, last=PIXELS), posterior)
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=jit_compile, steps_per_execution=STEPS_PER_CALL)
    return vae


def seconds_per_step(vaes, x, args):
    """Seconds of a step of each autoencoder, one per round; they take turns."""
    times = {case: [] for case in vaes}
    for vae in vaes.values():
        vae.fit(x[: STEPS_PER_CALL * BATCH_SIZE], batch_size=BATCH_SIZE, verbose=0)
    for _ in range(args.rounds):
        for case, vae in vaes.items():
            start = time.perf_counter()
            vae.fit(x, batch_size=BATCH_SIZE, verbose=0)
            times[case].append((time.perf_counter() - start) / args.steps)
    return times


def summary(args, vaes, times):
    """The table, and every ratio by case."""
    rows, ratios = [], {}
    for name in POSTERIORS:
        row = [name, f"{vaes[name, 'graph'].count_params():,}"]
        for mode in MODES:
            case = name, mode
            ratios[case] = [mine / base for mine, base in zip(times[case], times["Gaussian", mode], strict=True)]
            row += [f"{1e3 * reporting.median(times[case]):.2f}", reporting.spread(ratios[case])]
        row.append(verdict(name, ratios))
        rows.append(row)
    headers = ["posterior", "parameters", "ms, graph", "of the Gaussian's", "ms, XLA", "of the Gaussian's", "target"]
    text = (
        f"Training step of an autoencoder of {PIXELS} binary pixels, two hidden layers of {UNITS} on either side, "
        f"{LATENT_SIZE} latents, {NUM_FLOWS} flows, batches of {BATCH_SIZE}, Adam, by `fit` with "
        f"`steps_per_execution={STEPS_PER_CALL}`. Milliseconds: median of {args.rounds} rounds of {args.steps} steps; "
        "ratios: median (smallest to largest) of ratios within a round.\n\n" + reporting.table(headers, rows)
    )
    return text, ratios


def verdict(name, ratios):
    """Whether the target is reached in each mode."""
    if name not in TARGETS:
        return "-"
    missed = [mode for mode in MODES if reporting.median(ratios[name, mode]) > TARGETS[name]]
    return f"{TARGETS[name]}: " + (f"missed ({', '.join(missed)})" if missed else "reached")


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    keras.utils.set_random_seed(0)
    x = (np.random.default_rng(0).random((args.steps * BATCH_SIZE, PIXELS)) < 0.2).astype("float32")
    vaes = {
        (name, mode): make_autoencoder(make(), jit_compile)
        for name, make in POSTERIORS.items()
        for mode, jit_compile in MODES.items()
    }
    times = seconds_per_step(vaes, x, args)
    text, ratios = summary(args, vaes, times)
    print()
    record = {
        "steps": args.steps,
        "seconds": {" ".join(case): values for case, values in times.items()},
        "ratios": {" ".join(case): values for case, values in ratios.items()},
    }
    reporting.report("posteriors", "What posteriors cost", text, record, args)


if __name__ == "__main__":
    main()
