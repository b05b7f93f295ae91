"""Glow beside normflows' Glow: training steps and samples per second, and the time to the first training step.

    python benchmarks/glow_speed.py --peer-python PYTHON_OF_THE_PEERS

The case: 32 x 32 x 3 images, 3 levels of 8 steps, width 128, batches of 16, Adam. Each library runs in a process of its
own (`peers/`), all are built first, then they take turns; ratios are taken within a round.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import reporting

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer, PeerError  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
CASE = {"batch_size": 16, "num_levels": 3, "steps_per_level": 8, "hidden_filters": 128}
FAST = {"batch_size": 4, "num_levels": 2, "steps_per_level": 2, "hidden_filters": 8}
DEPTHS, FAST_DEPTHS = (4, 32), (1, 2)
UNITS = {"train": "train steps/s", "sample": "samples/s"}

# Row: (peer, options of its build, runs with this interpreter)
ROWS = {
    "tfflows": ("tfflows_glow", {}, True),
    "normflows": ("normflows_glow", {}, False),
    "normflows, torch.compile": ("normflows_glow", {"compile": True}, False),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has normflows (default: this)")
    parser.add_argument("--rows", default=";".join(ROWS), help=f"separated by ; (default {'; '.join(ROWS)})")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--train-steps", type=int, default=20, help="training steps in a round (default 20)")
    parser.add_argument("--sample-batches", type=int, default=10, help="batches drawn in a round (default 10)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.rows = [row.strip() for row in args.rows.split(";")]
    if not set(args.rows) <= set(ROWS):
        parser.error(f"unknown rows: {sorted(set(args.rows) - set(ROWS))}; there are {list(ROWS)}")
    if args.fast:
        args.rounds, args.train_steps, args.sample_batches = 2, 3, 2
    return args


def start(row, path, case, args):
    """A worker that has made one step, what it says of itself, and the seconds of building and of that step."""
    name, options, here = ROWS[row]
    environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3}
    if not here:
        environment["PYTHONPATH"] = ""  # this interpreter's packages are not the peers'
    peer = Peer([sys.executable if here else args.peer_python, str(WORKER), name], environment)
    try:
        built = peer.call("build", seed=0, data=str(path), options={**case, **options}, timeout=1800.0)
        first = peer.call("train", steps=1, timeout=1800.0)
        return peer, peer.call("info"), (built["seconds"], first["seconds"])
    except PeerError:
        peer.close()
        raise


def first_steps(path, args):
    """Seconds of building and of the first training step of each row, by steps per level, each in its own process."""
    case, depths = (FAST, FAST_DEPTHS) if args.fast else (CASE, DEPTHS)
    seconds = {}
    for row in args.rows:
        for depth in depths:
            try:
                peer, _, took = start(row, path, {**case, "steps_per_level": depth}, args)
            except PeerError as error:
                print(f"{row}, {depth} steps a level: {error}", flush=True)
                continue
            peer.close()
            seconds.setdefault(row, {})[depth] = took
            print(f"{row}, {depth} steps a level: built in {took[0]:.1f} s, first step {took[1]:.1f} s", flush=True)
    return seconds


def measure(peers, args):
    """Rates of each row, one per round: `{"train": {row: [...]}, "sample": ...}`."""
    case = FAST if args.fast else CASE
    counts = {"train": args.train_steps, "sample": args.sample_batches}
    rates = {operation: {row: [] for row in peers} for operation in counts}
    for operation, count in counts.items():
        for peer in peers.values():
            peer.call(operation, steps=2, timeout=1800.0)
        for i in range(args.rounds):
            for row, peer in peers.items():
                seconds = peer.call(operation, steps=count, timeout=1800.0)["seconds"]
                rates[operation][row].append(count * (case["batch_size"] if operation == "sample" else 1) / seconds)
            done = ", ".join(f"{row} {values[-1]:.2f}" for row, values in rates[operation].items())
            print(f"round {i + 1}/{args.rounds}, {UNITS[operation]}: {done}", flush=True)
    return rates


def summary(operation, rates):
    """The table of one operation."""
    rows = []
    for row, values in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(rates.get("tfflows", values), values, strict=True)]
        compared = "tfflows" in rates and row != "tfflows"
        result = "reached" if reporting.median(ratios) >= 1 else f"missed by {1 - reporting.median(ratios):.2f}"
        cells = [reporting.spread(ratios), ">= 1", result] if compared else ["-", "-", "-"]
        rows.append([row, reporting.spread(values), *cells])
    return reporting.table(["library", UNITS[operation], "tfflows / library", "target", "result"], rows)


def first_step_table(firsts):
    """The table of the times to the first step, `build + step`, and the ratio of deep to shallow."""
    depths = sorted({depth for each in firsts.values() for depth in each})
    rows = []
    for row, each in firsts.items():
        cells = [f"{each[depth][0]:.1f} + {each[depth][1]:.1f}" if depth in each else "-" for depth in depths]
        whole = set(depths) <= set(each)
        low, high = (each[depths[0]], each[depths[-1]]) if whole else (None, None)
        rows.append([row, *cells, f"{sum(high) / sum(low):.2f}" if whole else "-"])
    return reporting.table(["library", *(f"{depth} steps a level" for depth in depths), "ratio of the sums"], rows)


def main():
    args = parse_args()
    case = FAST if args.fast else CASE
    peers, infos, skipped = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        images = np.random.default_rng(0).integers(0, 256, (256, 32, 32, 3), dtype=np.uint8)
        np.savez(path, train=images, test=images[:16], levels=256)
        firsts = first_steps(path, args)
        try:
            for row in args.rows:
                try:
                    peers[row], infos[row], _ = start(row, path, case, args)
                except PeerError as error:
                    skipped[row] = str(error).strip().splitlines()[-1]
                print(f"{row}: {skipped.get(row, 'ready')}", flush=True)
            rates = measure(peers, args)
        finally:
            for peer in peers.values():
                peer.close()
    text = (
        f"Glow, 32 x 32 x 3, {case['num_levels']} levels of {case['steps_per_level']} steps, width "
        f"{case['hidden_filters']}, batches of {case['batch_size']}, Adam; {args.threads} threads and CPUs; "
        f"{args.rounds} interleaved rounds of {args.train_steps} training steps and {args.sample_batches} drawn "
        "batches. Median (smallest to largest); ratios are taken within a round.\n\n"
        + "\n\n".join(summary(operation, rates[operation]) for operation in rates)
        + "\n\nSeconds of building (the library's import and initialisation from data included) and of the first "
        "training step (compilation included):\n\n" + first_step_table(firsts)
    )
    if skipped:
        text += "\n\nSkipped: " + "; ".join(f"{row} ({why})" for row, why in skipped.items()) + "."
    text += "\n\nParameters: " + "; ".join(f"{row} {info['num_parameters']:,}" for row, info in infos.items()) + "."
    text += "\n\nVersions: " + "; ".join(dict.fromkeys(info["version"] for info in infos.values())) + "."
    record = {"rates": rates, "first_step_seconds": firsts, "skipped": skipped, "workers": infos}
    print()
    name = f"glow_speed_{args.threads}_threads"
    title = f"Glow side by side, {args.threads} threads"
    reporting.report(name, title, text, record, args, hidden=("--output", "--peer-python"), packages=())


if __name__ == "__main__":
    main()
