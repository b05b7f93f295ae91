"""Gap between a trained flow and the true density, where that is known.

    python benchmarks/known_densities.py --model real-nvp

Trains the flow on fresh draws and reports `E[log p_true - log q]` over fresh test points, in nats, for several seeds.
"""

import argparse
import dataclasses
import statistics

import density_training
import reporting
from density_training import RECIPE, density_named, train_and_judge

from tfflows import models

TARGETS = {"banana": 0.01, "eight_gaussians": 0.08, "two_moons": 0.05}
NUM_TEST = 100_000


def real_nvp(args):
    """The description of the model, and a function that makes it from a seed."""
    bound = {} if args.log_scale_bound is None else {"log_scale_bound": args.log_scale_bound}

    def make(seed):
        return models.RealNVP(event_shape=(2,), num_layers=8, hidden_units=(64, 64), seed=seed, **bound)

    return "RealNVP, 8 couplings, hidden layers 64 and 64", make


MODELS = {"real-nvp": real_nvp}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODELS), default="real-nvp", help="default real-nvp")
    parser.add_argument("--densities", default=",".join(TARGETS), help=f"default {','.join(TARGETS)}")
    parser.add_argument("--runs", type=int, default=3, help="seeds (default 3)")
    parser.add_argument("--steps", type=int, default=5000, help="optimizer steps (default and at most 5000)")
    parser.add_argument("--log-scale-bound", help="a name of ops.numerics.log_scale_bound (default: the model's)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.runs, args.steps = min(args.runs, 2), min(args.steps, 50)
    if not 0 < args.steps <= 5000 or args.runs < 1:
        parser.error(f"1 to 5000 steps and at least one run. Received: {args.steps} steps, {args.runs} runs")
    return args


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    description, make = MODELS[args.model](args)
    rows, record = [], {}
    for density in map(density_named, args.densities.split(",")):
        outcomes = []
        for seed in range(args.runs):
            num_test = 1000 if args.fast else NUM_TEST
            outcome = train_and_judge(make, density, seed=seed, steps=args.steps, num_test=num_test)[1]
            outcomes.append(outcome)
            print(
                f"{density.name}, seed {seed}: gap {outcome.gap:.4f} +- {outcome.standard_error:.4f} nats, "
                f"largest of a point {outcome.worst:.1f}, {outcome.seconds:.1f} s",
                flush=True,
            )
        rows.append(row(density, outcomes))
        record[density.name] = {
            "options": density.options,
            "entropy": density.entropy,
            "target": TARGETS.get(density.name),
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


def row(density, outcomes):
    """One density's line of the table."""
    gaps = [outcome.gap for outcome in outcomes]
    mean, target = statistics.fmean(gaps), TARGETS.get(density.name)
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
