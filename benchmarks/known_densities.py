"""Gap between a trained flow and the true density, where that is known.

    python benchmarks/known_densities.py --model real-nvp
    python benchmarks/known_densities.py --model neural-spline-flow

Trains the flow on fresh draws and reports `E[log p_true - log q]` over fresh test points, in nats, for several seeds.
Each training runs in a process of its own and is written down when it is done; the same command again makes only those
that are missing.
"""

import argparse
import dataclasses
import functools
import statistics

import density_training
import reporting
from density_training import RECIPE, Outcome, density_named, train_and_judge
from runs import Store, in_a_process, run_all

from tfflows import models

NUM_TEST = 100_000
# Nats, by model. For splines: half of the smallest gap of a peer's spline flow, or that gap where only it is asked for.
TARGETS = {
    "real-nvp": {"banana": 0.01, "eight_gaussians": 0.08, "two_moons": 0.05},
    "neural-spline-flow": {
        "eight_gaussians": 0.007,
        "banana": 0.012,
        "funnel": 1.2,
        "gaussian_grid": None,
        "checkerboard": None,
        "rotated_mixture": None,
    },
}
TARGETS["autoregressive-spline-flow"] = TARGETS["neural-spline-flow"]
TARGETS["autoregressive-flow"] = dict.fromkeys(TARGETS["neural-spline-flow"])
STEPS = {"real-nvp": 5000}  # of the others 3000


def real_nvp(args):
    """The description of the model, and a function that makes it from a seed."""
    bound = {} if args.log_scale_bound is None else {"log_scale_bound": args.log_scale_bound}

    def make(seed, event_shape):
        return models.RealNVP(event_shape=event_shape, num_layers=8, hidden_units=(64, 64), seed=seed, **bound)

    return "RealNVP, 8 couplings, hidden layers 64 and 64", make


def neural_spline_flow(args):
    """As `real_nvp`."""

    def make(seed, event_shape):
        return models.NeuralSplineFlow(event_shape, num_layers=5, hidden_units=(128, 128), seed=seed)

    return "NeuralSplineFlow, 5 couplings, hidden layers 128 and 128", make


def autoregressive_spline_flow(args):
    """As `real_nvp`."""

    def make(seed, event_shape):
        layers = {"num_layers": 5, "hidden_units": (128, 128)}
        return models.NeuralSplineFlow(event_shape, kind="autoregressive", **layers, seed=seed)

    return "NeuralSplineFlow, 5 autoregressive layers, hidden layers 128 and 128", make


def autoregressive_flow(args):
    """As `real_nvp`."""

    def make(seed, event_shape):
        return models.AutoregressiveFlow(event_shape, num_layers=5, hidden_units=(128, 128), seed=seed)

    return "AutoregressiveFlow, 5 layers, hidden layers 128 and 128", make


MODELS = {
    "real-nvp": real_nvp,
    "neural-spline-flow": neural_spline_flow,
    "autoregressive-spline-flow": autoregressive_spline_flow,
    "autoregressive-flow": autoregressive_flow,
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODELS), default="real-nvp", help="default real-nvp")
    parser.add_argument("--densities", help="names, separated by commas (default: those of the model)")
    parser.add_argument("--runs", type=int, default=3, help="seeds (default 3)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (default 1)")
    parser.add_argument(
        "--steps", type=int, help="optimizer steps (default: real-nvp 5000, the others 3000; at most 5000)"
    )
    parser.add_argument("--log-scale-bound", help="a name of ops.numerics.log_scale_bound (default: the model's)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.steps = STEPS.get(args.model, 3000) if args.steps is None else args.steps
    args.densities = args.densities or ",".join(TARGETS[args.model])
    if args.fast:
        args.runs, args.steps = min(args.runs, 2), min(args.steps, 50)
    if not 0 < args.steps <= 5000 or args.runs < 1:
        parser.error(f"1 to 5000 steps and at least one run. Received: {args.steps} steps, {args.runs} runs")
    return args


def train(name, seed, args):
    """The outcome of one training, as a dictionary."""
    reporting.use_threads(args.threads)
    density = density_named(name)
    make_flow = functools.partial(MODELS[args.model](args)[1], event_shape=density.event_shape)
    num_test = 1000 if args.fast else NUM_TEST
    outcome = train_and_judge(make_flow, density, seed=seed, steps=args.steps, num_test=num_test)[1]
    print(
        f"{density.name}, seed {seed}: gap {outcome.gap:.4f} +- {outcome.standard_error:.4f} nats, "
        f"largest of a point {outcome.worst:.1f}, {outcome.seconds:.1f} s",
        flush=True,
    )
    return dataclasses.asdict(outcome)


def main():
    args = parse_args()
    description = MODELS[args.model](args)[0]
    densities = [density_named(name) for name in args.densities.split(",")]
    bound = "" if args.log_scale_bound is None else f", {args.log_scale_bound}"
    tasks = {}
    for seed in range(args.runs):
        for density in densities:
            tasks[f"{args.model}, {density.name}, seed {seed}, {args.steps} steps{bound}"] = (density.name, seed)
    keep = not args.fast or args.output is not None
    store = Store((args.output or reporting.RESULTS) / "known_densities_runs.json" if keep else None)
    failures = run_all(
        tasks,
        lambda key, cpus: in_a_process(cpus, train, *tasks[key], args),
        store,
        jobs=args.jobs,
        threads=args.threads,
    )
    if failures:
        raise SystemExit(f"{len(failures)} of {len(tasks)} trainings failed; the others are kept.")
    rows, record, targets = [], {}, TARGETS[args.model]
    for density in densities:
        outcomes = [Outcome(**store[key]) for key, (name, _) in tasks.items() if name == density.name]
        rows.append(row(density, outcomes, targets.get(density.name)))
        record[density.name] = {
            "options": density.options,
            "entropy": density.entropy,
            "target": targets.get(density.name),
            "runs": [dataclasses.asdict(outcome) for outcome in outcomes],
        }
    headers = ["density", "entropy", "test nats", "gap of each seed", "mean", "spread", "s", "target", "result"]
    text = (
        f"{description}; {args.steps} steps, {RECIPE}. Gap = mean of log p - log q over {NUM_TEST:,} fresh points, in "
        "nats, with its standard error; spread = standard deviation over the seeds; s = mean seconds of `fit`.\n\n"
        + reporting.table(headers, rows)
    )
    print()
    name = f"known_densities_{args.model.replace('-', '_')}"
    recipe = {
        "steps": args.steps,
        "batch_size": density_training.BATCH_SIZE,
        "learning_rate": density_training.LEARNING_RATE,
        "warmup_steps": density_training.WARMUP_STEPS,
        "weight_decay": density_training.WEIGHT_DECAY,
        "clip_norm": density_training.CLIP_NORM,
        "log_scale_bound": args.log_scale_bound,
    }
    title = f"Known densities: {args.model}"
    reporting.report(name, title, text, {"model": description, "recipe": recipe, "densities": record}, args)


def row(density, outcomes, target):
    """One density's line of the table."""
    gaps = [outcome.gap for outcome in outcomes]
    mean = statistics.fmean(gaps)
    if target is None:
        result = "no target"
    else:
        result = "reached" if mean <= target else f"missed by {mean - target:.4f}"
    return [
        density.name,
        f"{density.entropy:.4f}",
        f"{statistics.fmean(outcome.test_nats for outcome in outcomes):.4f}",
        ", ".join(f"{outcome.gap:.4f} +- {outcome.standard_error:.5f}" for outcome in outcomes),
        f"{mean:.4f}",
        f"{statistics.stdev(gaps):.4f}" if len(gaps) > 1 else "-",
        f"{statistics.fmean(outcome.seconds for outcome in outcomes):.1f}",
        "-" if target is None else f"<= {target:g}",
        result,
    ]


if __name__ == "__main__":
    main()
