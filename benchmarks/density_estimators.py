"""Spline and autoregressive flows side by side with other libraries: speed, and the gap to known densities.

    python benchmarks/density_estimators.py --peer-python PYTHON_OF_THE_PEERS

Five layers with hidden layers of 128 and 128, batches of 512; splines of 8 bins on [-5, 5]. The other libraries' hidden
layers are as wide as gives the same number of parameters within 2%. Each library runs in a process of its own
(`peers/`). Speed: all are built first, then they take turns, and ratios are taken within a round. Gap: each is trained
on the same draws with the same recipe, for several seeds, and judged on the same fresh points. Each training is written
down when it is done; the same command again makes only those that are missing.
"""

import argparse
import functools
import math
import pathlib
import statistics
import sys
import tempfile

import density_training
import numpy as np
import reporting
from density_training import density_named
from runs import Store, run_all

from tfflows import models

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer, PeerError  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
OURS = "tfflows"
# Row: (peer, options of its build, runs with this interpreter)
ROWS = {
    "tfflows": ("tfflows", {"evaluation": "xla"}, True),
    "tfflows, predict and sample": ("tfflows", {"evaluation": "predict"}, True),
    "TFP": ("tfp", {}, True),
    "distrax": ("distrax", {}, False),
    "flowjax": ("flowjax", {}, False),
    "normflows": ("normflows", {"compile": False}, False),
    "zuko": ("zuko", {"compile": False}, False),
    "zuko, torch.compile": ("zuko", {"compile": True}, False),
    "nflows": ("nflows", {"compile": False}, False),
}
SPEED_ONLY = ("tfflows, predict and sample", "TFP", "zuko, torch.compile")
# Case: (model, size of the events, what is timed and the number of steps of a round)
CASES = {
    "spline_21": ("spline", 21, {"train": 40, "log_prob": 60, "sample": 40}),
    "maf_21": ("maf", 21, {"train": 40, "log_prob": 60, "sample": 4}),
    "maf_784": ("maf", 784, {"sample": 1}),
}
TARGETS = {"train": 1.0, "log_prob": 1.0, "sample": 1.0}
MAF_SAMPLE_TARGET = 2.0
DENSITIES = ("eight_gaussians", "banana", "funnel", "checkerboard", "rotated_mixture")
NUM_TEST = 100_000
TIMEOUT = 6 * 3600.0
TOLERANCE = 0.02  # relative, between numbers of parameters
SIZES = f"the other libraries' as wide as gives the same number of parameters within {TOLERANCE:.0%}"


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)")
    parser.add_argument("--parts", default="speed,gap", help="of speed, gap (default both)")
    parser.add_argument("--rows", help=f"names of rows, separated by semicolons (default all): {'; '.join(ROWS)}")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of the speed (default {','.join(CASES)})")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--densities", default=",".join(DENSITIES), help=f"default {','.join(DENSITIES)}")
    parser.add_argument("--runs", type=int, default=3, help="seeds of the gap (default 3)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings of the gap at once (default 1)")
    parser.add_argument("--steps", type=int, default=3000, help="optimizer steps of the gap (default 3000)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    for name, known in (("rows", ROWS), ("parts", ("speed", "gap")), ("cases", CASES)):
        given = getattr(args, name)
        given = list(known) if given is None else [each.strip() for each in given.split(";" if name == "rows" else ",")]
        unknown = [each for each in given if each not in known]
        if unknown:
            parser.error(f"unknown {name}: {unknown}; there are {list(known)}")
        setattr(args, name, given)
    if args.fast:
        args.rounds, args.runs, args.steps = 1, 1, min(args.steps, 40)
        args.densities = args.densities.split(",")[0]
    args.densities = args.densities.split(",")
    return args


def recipe(steps):
    """What every peer trains with."""
    return {
        "batch_size": density_training.BATCH_SIZE,
        "steps": steps,
        "warmup_steps": max(1, min(density_training.WARMUP_STEPS, steps // 10)),
        "learning_rate": density_training.LEARNING_RATE,
        "clip_norm": density_training.CLIP_NORM,
    }


@functools.cache
def num_parameters(model, size):
    """Trainable numbers of the flow of tfflows for events of that size."""
    family = models.NeuralSplineFlow if model == "spline" else models.AutoregressiveFlow
    flow = family((size,), num_layers=5, hidden_units=(128, 128))
    return sum(math.prod(weight.shape) for weight in flow.trainable_variables)


def start(row, arrays, model, size, args, *, seed=0, cpus=None):
    """A built worker, as large as the flow of tfflows.

    Raises:
      PeerError: the library is not installed, or cannot build this.
    """
    name, options, here = ROWS[row]
    python = sys.executable if here else args.peer_python
    environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3}
    if cpus is not None:
        environment["BENCH_CPUS"] = ",".join(map(str, cpus))
    if not here:
        environment["PYTHONPATH"] = ""  # this interpreter's packages are not the peers'
    peer = Peer([python, str(WORKER), f"{name}_density_estimators"], environment)
    build = functools.partial(peer.call, "build", seed=seed, data=str(arrays))
    try:
        if name == OURS:
            build(options={"model": model, **options})
        else:
            build_alike(peer, build, {"model": model, **options}, num_parameters(model, size))
    except PeerError:
        peer.close()
        raise
    return peer


def build_alike(peer, build, options, goal):
    """Builds with the hidden width that gives so many parameters."""
    width, tried = 128, {}
    while width not in tried:
        build(options={**options, "width": width})
        tried[width] = count = peer.call("info")["num_parameters"]
        if abs(count / goal - 1) <= TOLERANCE:
            return
        width = max(1, round(width * math.sqrt(goal / count)))
    raise PeerError(f"no width gives {goal} parameters within {TOLERANCE:.0%}; by width: {tried}")


def speed(case, args, folder):
    """The table of one case, its rates by operation and row, what the workers say, and the rows left out."""
    model, size, operations = CASES[case]
    path, rng = folder / f"{case}.npz", np.random.default_rng(0)
    rows = 4 if size > 100 else 40
    train = rng.normal(size=(rows * density_training.BATCH_SIZE, size)).astype("float32")
    np.savez(path, train=train, test=train[:10], **recipe(10_000))
    peers, infos, skipped = {}, {}, {}
    try:
        for row in args.rows:
            try:
                peers[row] = peer = start(row, path, model, size, args)
                for operation, steps in operations.items():
                    peer.call(operation, steps=steps)
                infos[row] = peer.call("info")
            except PeerError as error:
                skipped[row] = str(error).strip().splitlines()[-1]
                if row in peers:
                    peers.pop(row).close()
            print(f"{case}, {row}: {skipped.get(row, 'ready')}", flush=True)
        rates = {operation: {row: [] for row in peers} for operation in operations}
        for operation, steps in operations.items():
            for _ in range(args.rounds):
                for row, peer in peers.items():
                    rates[operation][row].append(steps / peer.call(operation, steps=steps)["seconds"])
    finally:
        for peer in peers.values():
            peer.close()
    return speed_table(model, rates, infos), rates, infos, skipped


def speed_table(model, rates, infos):
    """One line a library and operation, the fastest first."""
    lines = []
    for operation, by_row in rates.items():
        ours = [row for row in by_row if row.startswith(OURS)]
        best = max(ours, key=lambda row: reporting.median(by_row[row]), default=None)
        target = MAF_SAMPLE_TARGET if (model, operation) == ("maf", "sample") else TARGETS[operation]
        for row, values in sorted(by_row.items(), key=lambda item: -reporting.median(item[1])):
            ratios = [a / b for a, b in zip(by_row[best], values, strict=True)] if best else None
            judged = ratios and not row.startswith(OURS)
            ratio = reporting.median(ratios) if judged else None
            result = "-" if not judged else "reached" if ratio >= target else f"missed by {target - ratio:.2f}"
            spread = reporting.spread(ratios) if ratios else "-"
            parameters = f"{infos[row]['num_parameters']:,}"
            goal = f">= {target:g}" if judged else "-"
            lines.append([operation, row, parameters, reporting.spread(values, 1), spread, goal, result])
    headers = ["operation", "library", "parameters", "batches/s", "best of tfflows / library", "target", "result"]
    return reporting.table(headers, lines)


def train(key, name, row, seed, cpus, args):
    """Trains one library's splines on one density in a process of its own; the record of that."""
    density = density_named(name)
    drawn, fresh = np.random.SeedSequence(seed).spawn(2)
    x = density.sample(args.steps * density_training.BATCH_SIZE, seed=drawn)
    y = density.sample(1000 if args.fast else NUM_TEST, seed=fresh)
    truth, mean, deviation = density.log_prob(y).mean(), x.mean(0), x.std(0)
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "data.npz"
        # Standardised for all: most libraries leave it to the user.
        np.savez(path, train=(x - mean) / deviation, test=(y - mean) / deviation, **recipe(args.steps))
        del x, y
        with start(row, path, "spline", math.prod(density.event_shape), args, seed=seed, cpus=cpus) as peer:
            seconds = peer.call("train", TIMEOUT, steps=args.steps)["seconds"]
            log_q = peer.call("evaluate", TIMEOUT, draws=1)["log_prob"] - float(
                np.log(deviation.astype("float64")).sum()
            )
            info = peer.call("info")
    gap = float(truth - log_q)
    print(f"{key}: gap {gap:.4f} nats, {seconds:.0f} s", flush=True)
    return {"gap": gap, "parameters": info["num_parameters"], "version": info["version"], "seconds": seconds}


def gaps(args, store):
    """Records of every density by row, a list over seeds; and why others failed, by density and row."""
    rows = [row for row in args.rows if row not in SPEED_ONLY]
    tasks = {}  # the seeds one after another, so that a run cut short compares all on the first ones
    for seed in range(args.runs):
        for name in args.densities:
            num_parameters(
                "spline", math.prod(density_named(name).event_shape)
            )  # here, not in the threads of `run_all`
            for row in rows:
                tasks[f"{name}, {row}, seed {seed}, {args.steps} steps"] = (name, row, seed)

    def run(key, cpus):
        return train(key, *tasks[key], cpus, args)

    failures = run_all(tasks, run, store, jobs=args.jobs, threads=args.threads)
    found, skipped = {name: {} for name in args.densities}, {name: {} for name in args.densities}
    for key, (name, row, _) in tasks.items():
        if key in failures:
            skipped[name][row] = failures[key]
        else:
            found[name].setdefault(row, []).append(store[key])
    return found, skipped


def gap_rows(name, found):
    """One line a library, the best first; the target is the best peer's gap."""
    means = {row: statistics.fmean(record["gap"] for record in records) for row, records in found.items()}
    best = min((mean for row, mean in means.items() if not row.startswith(OURS)), default=None)
    lines = []
    for row, mean in sorted(means.items(), key=lambda item: item[1]):
        result = "-"
        if row == OURS and best is not None:
            result = "reached" if mean <= best else f"missed by {mean - best:.4f}"
        each = ", ".join(f"{record['gap']:.4f}" for record in found[row])
        lines.append([name, row, f"{found[row][0]['parameters']:,}", each, f"{mean:.4f}", result])
    return lines


def report_speed(args):
    """Measures, prints and writes the speed."""
    record, text = {"speed": {}, "skipped": {}}, []
    with tempfile.TemporaryDirectory() as scratch:
        for case in args.cases:
            table, rates, infos, skipped = speed(case, args, pathlib.Path(scratch))
            record["speed"][case], record["skipped"][case] = {"rates": rates, "workers": infos}, skipped
            model, size, _ = CASES[case]
            text.append(f"## {'Spline couplings' if model == 'spline' else 'MAF'}, {size} entries\n\n{table}")
            text[-1] += "".join(f"\n\nLeft out: {row} ({why})." for row, why in skipped.items())
            print(f"\n{text[-1]}\n", flush=True)
    head = (
        f"5 layers, hidden layers 128 and 128, {SIZES}; batches of {density_training.BATCH_SIZE}; {args.threads} "
        f"threads; {args.rounds} interleaved rounds. Median (smallest to largest); ratios are taken within a round."
    )
    write(
        f"density_estimators_speed_{args.threads}_threads", "Speed of density estimators", [head, *text], record, args
    )


def report_gaps(args):
    """Makes the trainings that are missing; prints and writes the gaps."""
    keep = not args.fast or args.output is not None
    store = Store((args.output or reporting.RESULTS) / "density_estimators_runs.json" if keep else None)
    found, skipped = gaps(args, store)
    lines = [line for name, by_row in found.items() for line in gap_rows(name, by_row)]
    headers = ["density", "library", "parameters", "gap of each seed", "mean", "against the best peer"]
    versions = {each["version"] for by_row in found.values() for many in by_row.values() for each in many}
    common = density_training
    head = (
        f"5 spline couplings, hidden layers 128 and 128, {SIZES}; {args.steps} steps of {common.BATCH_SIZE} fresh "
        f"draws, standardised; Adam, learning rate raised to {common.LEARNING_RATE:g} over {common.WARMUP_STEPS} "
        f"steps, then decayed to 0 along a cosine; gradients clipped to norm {common.CLIP_NORM:g}. Gap = mean of log p "
        f"- log q over {NUM_TEST:,} fresh points, nats."
    )
    text = [head, reporting.table(headers, lines)]
    text += [f"Left out: {name}, {row} ({why})." for name in skipped for row, why in skipped[name].items()]
    text.append(f"Versions: {'; '.join(sorted(versions))}.")
    write("density_estimators_gap", "Gap to known densities", text, {"gap": found, "skipped": skipped}, args)


def write(name, title, text, record, args):
    hidden = ("--output", "--peer-python")
    reporting.report(name, title, "\n\n".join(text), record, args, hidden=hidden, packages=())


def main():
    args = parse_args()
    if "speed" in args.parts:
        report_speed(args)
    if "gap" in args.parts:
        report_gaps(args)


if __name__ == "__main__":
    main()
