"""Spline and autoregressive flows side by side with other libraries: speed, and the gap to known densities.

    python benchmarks/density_estimators.py --peer-python PYTHON_OF_THE_PEERS

Five layers with hidden layers of 128 and 128, batches of 512; splines of 8 bins on [-5, 5]. Each library runs in a
process of its own (`peers/`). Speed: all are built first, then they take turns, and ratios are taken within a round.
Gap: each is trained on the same draws with the same recipe, for several seeds, and judged on the same fresh points.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

import density_training
import numpy as np
import reporting
from density_training import RECIPE, density_named

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer, PeerError, PeerNotInstalled  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
OURS = "tfflows"
# Row: (peer, options of its build, runs with this interpreter)
ROWS = {
    "tfflows": ("tfflows", {"evaluation": "xla"}, True),
    "tfflows, predict and sample": ("tfflows", {"evaluation": "predict"}, True),
    "distrax": ("distrax", {}, False),
    "flowjax": ("flowjax", {}, False),
    "normflows": ("normflows", {"compile": False}, False),
    "zuko": ("zuko", {"compile": False}, False),
    "zuko, torch.compile": ("zuko", {"compile": True}, False),
    "nflows": ("nflows", {"compile": False}, False),
}
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


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)")
    parser.add_argument("--parts", default="speed,gap", help="of speed, gap (default both)")
    parser.add_argument("--rows", help=f"names of rows, separated by semicolons (default all): {'; '.join(ROWS)}")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of the speed (default {','.join(CASES)})")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--densities", default=",".join(DENSITIES), help=f"default {','.join(DENSITIES)}")
    parser.add_argument("--runs", type=int, default=3, help="seeds of the gap (default 3)")
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


def start(row, arrays, model, args, *, seed=0):
    """A built worker, or the reason why there is none."""
    name, options, here = ROWS[row]
    python = sys.executable if here else args.peer_python
    environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3}
    if not here:
        environment["PYTHONPATH"] = ""  # this interpreter's packages are not the peers'
    peer = Peer([python, str(WORKER), f"{name}_density_estimators"], environment)
    try:
        peer.call("build", seed=seed, data=str(arrays), options={"model": model, **options})
    except (PeerNotInstalled, PeerError) as error:
        peer.close()
        if isinstance(error, PeerNotInstalled):
            return None, f"not installed: {error.name}"
        return None, str(error).strip().splitlines()[-1]
    return peer, None


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
            peer, reason = start(row, path, model, args)
            try:
                if peer is None:
                    raise PeerError(reason)
                peers[row] = peer
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


def gaps(name, args, folder):
    """Gaps of every row by seed, in nats, and the rows left out."""
    density, found, skipped, parameters = density_named(name), {}, {}, {}
    for seed in range(args.runs):
        train, test = np.random.SeedSequence(seed).spawn(2)
        x = density.sample(args.steps * density_training.BATCH_SIZE, seed=train)
        y = density.sample(1000 if args.fast else NUM_TEST, seed=test)
        truth, mean, deviation = density.log_prob(y).mean(), x.mean(0), x.std(0)
        path = folder / f"{name}_{seed}.npz"
        # Standardised for all: most libraries leave it to the user.
        np.savez(path, train=(x - mean) / deviation, test=(y - mean) / deviation, **recipe(args.steps))
        for row in args.rows:
            if row in skipped or row in ("tfflows, predict and sample", "zuko, torch.compile"):
                continue  # the same trainings
            peer, reason = start(row, path, "spline", args, seed=seed)
            if peer is None:
                skipped[row] = reason
                continue
            try:
                peer.call("train", steps=args.steps)
                log_q = peer.call("evaluate", draws=1)["log_prob"] - float(np.log(deviation.astype("float64")).sum())
                parameters[row] = peer.call("info")["num_parameters"]
                found.setdefault(row, []).append(float(truth - log_q))
                print(f"{name}, seed {seed}, {row}: gap {found[row][-1]:.4f} nats", flush=True)
            except PeerError as error:
                skipped[row] = str(error).strip().splitlines()[-1]
            finally:
                peer.close()
        path.unlink()
    return found, parameters, skipped


def gap_rows(name, found, parameters):
    """One line a library, the best first; the target is the best peer's gap."""
    means = {row: statistics.fmean(values) for row, values in found.items()}
    best = min((mean for row, mean in means.items() if not row.startswith(OURS)), default=None)
    lines = []
    for row, mean in sorted(means.items(), key=lambda item: item[1]):
        result = "-"
        if row == OURS and best is not None:
            result = "reached" if mean <= best else f"missed by {mean - best:.4f}"
        each = ", ".join(f"{value:.4f}" for value in found[row])
        lines.append([name, row, f"{parameters[row]:,}", each, f"{mean:.4f}", result])
    return lines


def main():
    args = parse_args()
    record, text = {"speed": {}, "gap": {}, "skipped": {}}, []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for case in args.cases if "speed" in args.parts else ():
            table, rates, infos, skipped = speed(case, args, folder)
            record["speed"][case], record["skipped"][case] = {"rates": rates, "workers": infos}, skipped
            model, size, _ = CASES[case]
            text.append(f"## {'Spline couplings' if model == 'spline' else 'MAF'}, {size} entries\n\n{table}")
            text[-1] += "".join(f"\n\nLeft out: {row} ({why})." for row, why in skipped.items())
            print(f"\n{text[-1]}\n", flush=True)
        lines = []
        for name in args.densities.split(",") if "gap" in args.parts else ():
            found, parameters, skipped = gaps(name, args, folder)
            record["gap"][name], record["skipped"][name] = found, skipped
            lines += gap_rows(name, found, parameters)
        if lines:
            headers = ["density", "library", "parameters", "gap of each seed", "mean", "against the best peer"]
            text.append(f"## Gap to the true density, nats\n\n{reporting.table(headers, lines)}")
    head = (
        f"5 layers, hidden layers 128 and 128, batches of {density_training.BATCH_SIZE}; {args.threads} threads; "
        f"{args.rounds} interleaved rounds. Median (smallest to largest); ratios are taken within a round. Gap: spline "
        f"couplings, {args.steps} steps, {RECIPE}; standardised data, {NUM_TEST:,} fresh points."
    )
    name = f"density_estimators_{args.threads}_threads"
    hidden = ("--output", "--peer-python")
    reporting.report(
        name, "Density estimators side by side", "\n\n".join([head, *text]), record, args, hidden=hidden, packages=()
    )


if __name__ == "__main__":
    main()
