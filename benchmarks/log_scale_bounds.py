"""Which bound of the log-scale an affine coupling should have by default.

    python benchmarks/log_scale_bounds.py

For each name of `tfflows.ops.numerics.log_scale_bound`: the gap to the true density after a short training, how far
from the data the log-probability and its gradients stay finite, and the time of a training step.
"""

import argparse
import statistics
import time

import keras
import numpy as np
import reporting
import tensorflow as tf
from density_training import BATCH_SIZE, RECIPE, density_named, train_and_judge

from tfflows import models

BOUNDS = ("tanh", "arctan", "softsign", "sigmoid", "none")
DENSITIES = ("banana", "eight_gaussians", "two_moons")
DIRECTIONS = 64
LARGEST_EXPONENT = 37  # float32 ends at 3e38
WANTED = (1e3, 1e6)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bounds", default=",".join(BOUNDS), help=f"default {','.join(BOUNDS)}")
    parser.add_argument("--densities", default=",".join(DENSITIES), help=f"default {','.join(DENSITIES)}")
    parser.add_argument("--runs", type=int, default=2, help="seeds (default 2)")
    parser.add_argument("--steps", type=int, default=2000, help="optimizer steps (default 2000)")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds of timing (default 7)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.runs, args.steps, args.rounds = 1, 40, 2
    return args


def make_flow(bound):
    """A function of a seed that makes the case's RealNVP with this bound."""
    return lambda seed: models.RealNVP(
        event_shape=(2,), num_layers=8, hidden_units=(64, 64), log_scale_bound=bound, seed=seed
    )


def largest_finite_input(flow, data):
    """The largest power of ten, in standard deviations, at which everything is still finite in every direction.

    Args:
      flow: the trained flow.
      data: array `[n, 2]`, for centre and scale.

    Returns:
      float, 0 if not even one standard deviation is.
    """
    angle = np.linspace(0.0, 2.0 * np.pi, DIRECTIONS, endpoint=False)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    largest = 0.0
    for exponent in range(LARGEST_EXPONENT + 1):
        x = tf.constant(data.mean(0) + data.std(0) * 10.0**exponent * unit, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_prob = flow.log_prob(x)
            total = tf.reduce_sum(log_prob)
        gradients = tape.gradient(total, [x, *(variable.value for variable in flow.trainable_variables)])
        if not all(np.isfinite(value.numpy()).all() for value in (log_prob, *gradients)):
            return largest
        largest = 10.0**exponent
    return largest


def seconds_per_step(flows, data, rounds):
    """Seconds of a training step of each flow, one per round; the flows take turns."""
    steps = 64 if rounds <= 2 else 320
    x = np.resize(data, (steps * BATCH_SIZE, 2))
    times = {bound: [] for bound in flows}
    for _ in range(rounds):
        for bound, flow in flows.items():
            start = time.perf_counter()
            flow.fit(x, batch_size=BATCH_SIZE, verbose=0)
            times[bound].append((time.perf_counter() - start) / steps)
    return times


def mean_gap(gaps):
    """The mean over the seeds that did not break down, and how many did."""
    sound = [gap for gap in gaps if np.isfinite(gap)]
    mean = f"{statistics.fmean(sound):.4f}" if sound else "-"
    broken = len(gaps) - len(sound)
    return f"{mean} ({broken} of {len(gaps)} diverged)" if broken else mean


def summary(args, densities, gaps, finite, times):
    """The table and what it means, from the measurements by bound (and name of density)."""
    bounds = list(gaps)
    first = bounds[0]
    headers = ["bound", *(f"gap {name}" for name in densities), "finite to, at least"]
    headers += [f"finite at {wanted:.0e}" for wanted in WANTED] + ["ms per step", f"time / {first}'s"]
    rows = []
    for bound in bounds:
        means = [mean_gap(gaps[bound][name]) for name in densities]
        kept = [f"{sum(value >= wanted for value in finite[bound])} of {len(finite[bound])}" for wanted in WANTED]
        ratios = [mine / theirs for mine, theirs in zip(times[bound], times[first], strict=True)]
        milliseconds = 1e3 * reporting.median(times[bound])
        rows.append([bound, *means, f"{min(finite[bound]):.0e}", *kept, f"{milliseconds:.2f}"])
        rows[-1].append(reporting.spread(ratios))
    return (
        f"RealNVP, 8 couplings, hidden layers 64 and 64; {args.steps} steps, {RECIPE}. Gap to the true density in "
        f"nats, mean of {args.runs} seeds; diverged: the loss became NaN. Finite: log-probability and its gradients "
        f"with respect to the input and every weight, at that many standard deviations from the mean in "
        f"{DIRECTIONS} directions, of trained flows. "
        f"Time: {args.rounds} interleaved rounds, median (smallest to largest).\n\n" + reporting.table(headers, rows)
    )


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    bounds = args.bounds.split(",")
    densities = [density_named(name) for name in args.densities.split(",")]
    gaps = {bound: {density.name: [] for density in densities} for bound in bounds}
    finite, flows = {bound: [] for bound in bounds}, {}
    data = densities[0].sample(100_000, seed=0)
    for density in densities:
        for seed in range(args.runs):
            for bound in bounds:
                num_test = 1000 if args.fast else 100_000
                flow, outcome = train_and_judge(
                    make_flow(bound), density, seed=seed, steps=args.steps, num_test=num_test
                )
                gaps[bound][density.name].append(outcome.gap)
                finite[bound].append(largest_finite_input(flow, density.sample(10_000, seed=seed)))
                flows[bound] = flow
                print(f"{density.name}, seed {seed}, {bound}: gap {outcome.gap:.4f}, ", end="")
                print(f"finite to {finite[bound][-1]:.0e} standard deviations", flush=True)
    for flow in flows.values():
        flow.compile(keras.optimizers.Adam(0.0))  # a full step that leaves the trained weights where they are
    times = seconds_per_step(flows, data, args.rounds)
    text = summary(args, [density.name for density in densities], gaps, finite, times)
    print()
    record = {"steps": args.steps, "runs": args.runs, "gaps": gaps, "largest_finite_input": finite, "seconds": times}
    reporting.report("log_scale_bounds", "Bounds of the log-scale", text, record, args)


if __name__ == "__main__":
    main()
