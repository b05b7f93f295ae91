"""`flow.log_prob(x)` and `flow.sample(n)` as README writes them, beside compiled functions and other libraries.

    python benchmarks/as_called.py --peer-python PYTHON_OF_THE_PEERS

The case of `real_nvp_peers.py`: 2-D data, 8 couplings, hidden layers of 64 and 64, calls of 1,024 points. Each row runs
in a process of its own, all are built and warm first, then they take turns; ratios are taken within a round.
"""

import argparse
import pathlib
import sys

import reporting

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer, PeerError  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
CALLED = "tfflows as called"
# Row: (peer, options of its build, runs with this interpreter, what is timed)
ROWS = {
    CALLED: ("tfflows", {"evaluation": "called"}, True, ("log_prob", "sample")),
    "tfflows, predict of one batch": ("tfflows", {"evaluation": "predict one"}, True, ("log_prob",)),
    "tfflows in a tf.function": ("tfflows", {"evaluation": "function"}, True, ("log_prob", "sample")),
    "tfflows, nothing compiled": ("tfflows", {"evaluation": "uncompiled"}, True, ("log_prob", "sample")),
    "zuko as called": ("zuko", {"compile": False}, False, ("log_prob", "sample")),
    "distrax, jitted": ("distrax", {}, False, ("log_prob", "sample")),
}
# Of the rate as called to that of a row: at least.
TARGETS = {
    "tfflows in a tf.function": 1 / 1.5,
    "tfflows, nothing compiled": 20.0,
    "zuko as called": 10.0,
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a row in a round, about (default 1)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.rounds, args.seconds = 2, 0.2
    return args


def start(args):
    """Workers that are built and warm, and how many calls of each operation take the time of a round."""
    peers, calls, skipped, versions = {}, {}, {}, []
    for row, (name, options, here, operations) in ROWS.items():
        python = sys.executable if here else args.peer_python
        environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3} | ({} if here else {"PYTHONPATH": ""})
        peer = Peer([python, str(WORKER), f"{name}_real_nvp"], environment)
        try:
            peer.call("build", seed=0, options=options)
            for operation in operations:
                peer.call(operation, steps=3)
                calls[row, operation] = max(1, round(args.seconds * 5 / peer.call(operation, steps=5)["seconds"]))
            versions.append(peer.call("info")["version"])
        except PeerError as error:
            peer.close()
            skipped[row] = str(error).strip().splitlines()[-1]
        else:
            peers[row] = peer
        print(f"{row}: {skipped.get(row, 'ready')}", flush=True)
    return peers, calls, skipped, versions


def main():
    args = parse_args()
    peers, calls, skipped, versions = start(args)
    rates = {}
    try:
        for _ in range(args.rounds):
            for (row, operation), steps in calls.items():
                if row in peers:
                    seconds = peers[row].call(operation, steps=steps)["seconds"]
                    rates.setdefault(operation, {}).setdefault(row, []).append(steps / seconds)
    finally:
        for peer in peers.values():
            peer.close()
    text = f"Calls of 1,024 points; {args.threads} threads and CPUs; {args.rounds} interleaved rounds."
    for operation, found in rates.items():
        rows = []
        for row, values in found.items():
            ratios = [mine / theirs for mine, theirs in zip(found[CALLED], values, strict=True)]
            target, ratio = TARGETS.get(row), reporting.median(ratios)
            result = "-" if not target else "reached" if ratio >= target else f"missed by {target - ratio:.2f}"
            rows.append(
                [row, reporting.spread(values, 1), reporting.spread(ratios), target and f"{target:.2f}", result]
            )
        headers = [operation, "calls a second", "as called / this", "at least", "result"]
        text += f"\n\n{reporting.table(headers, [['-' if cell is None else cell for cell in row] for row in rows])}"
    if skipped:
        text += "\n\nSkipped: " + "; ".join(f"{row} ({why})" for row, why in skipped.items()) + "."
    text += "\n\nVersions: " + "; ".join(dict.fromkeys(versions)) + "."
    record = {"rates": rates, "skipped": skipped}
    reporting.report(
        "as_called", "Methods as they are called", text, record, args, hidden=("--output", "--peer-python")
    )


if __name__ == "__main__":
    main()
