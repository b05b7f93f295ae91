"""RealNVP side by side with other libraries: training steps and log-probabilities per second.

    python benchmarks/real_nvp_peers.py --peer-python PYTHON_OF_THE_PEERS

The case: 2-D data, 8 couplings, hidden layers of 64 and 64, batches of 1,024, Adam. Each library runs in a process of
its own (`peers/`), all are built first, then they take turns: a round is a few hundred steps of each. Ratios are taken
within a round, so that what else the machine does hits both sides alike.
"""

import argparse
import os
import pathlib
import sys

import reporting

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer, PeerError, PeerNotInstalled  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
BATCH_SIZE = 1024

# Row: (peer, options of its build, runs with this interpreter, timed in training, timed in log_prob)
ROWS = {
    "tfflows fit": ("tfflows", {"loop": "fit"}, True, True, False),
    "tfflows loop": ("tfflows", {"loop": "bare"}, True, True, False),
    "tfflows log_prob": ("tfflows", {"evaluation": "function"}, True, False, True),
    "tfflows log_prob, XLA": ("tfflows", {"evaluation": "xla"}, True, False, True),
    "tfflows predict": ("tfflows", {"evaluation": "predict"}, True, False, True),
    "TFP": ("tfp", {}, True, True, True),
    "TFP, 32 steps a call": ("tfp", {"group": 32}, True, True, False),
    "distrax": ("distrax", {}, False, True, True),
    "flowjax": ("flowjax", {}, False, True, True),
    "normflows": ("normflows", {"compile": False}, False, True, True),
    "normflows, torch.compile": ("normflows", {"compile": True}, False, True, True),
    "zuko": ("zuko", {"compile": False}, False, True, True),
    "zuko, torch.compile": ("zuko", {"compile": True}, False, True, True),
    "nflows": ("nflows", {"compile": False}, False, True, True),
    "nflows, torch.compile": ("nflows", {"compile": True}, False, True, True),
}
TARGETS = {"distrax": 1.0, "flowjax": 1.0, "normflows": 1.5, "zuko": 1.5, "nflows": 1.5}
OURS = {"train": ("tfflows fit",), "log_prob": ("tfflows log_prob", "tfflows log_prob, XLA", "tfflows predict")}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)")
    parser.add_argument("--rows", help=f"names of rows, separated by semicolons (default all): {'; '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--train-steps", type=int, default=256, help="training steps in a round (default 256)")
    parser.add_argument("--log-prob-steps", type=int, default=512, help="batches evaluated in a round (default 512)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.rows = args.rows.split(";") if args.rows else list(ROWS)
    args.rows = [row.strip() for row in args.rows]
    unknown = [row for row in args.rows if row not in ROWS]
    if unknown:
        parser.error(f"unknown rows: {unknown}; there are {list(ROWS)}")
    if args.fast:
        args.rounds, args.train_steps, args.log_prob_steps = 2, 64, 64
    return args


def start(args):
    """Workers that are built and warm, by row, with what they say of themselves; and the rows left out, with why."""
    peers, infos, skipped = {}, {}, {}
    for row in args.rows:
        name, options, here, trains, evaluates = ROWS[row]
        python = sys.executable if here else args.peer_python
        environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3}
        if not here:
            environment["PYTHONPATH"] = ""  # this interpreter's packages are not the peers'
        peer = Peer([python, str(WORKER), f"{name}_real_nvp"], environment)
        try:
            peer.call("build", seed=0, options=options)
            for operation, wanted in (("train", trains), ("log_prob", evaluates)):
                if wanted:
                    peer.call(operation, steps=args.train_steps)
            infos[row] = peer.call("info")
        except PeerNotInstalled as error:
            peer.close()
            skipped[row] = f"not installed: {error.name}"
        except PeerError as error:
            peer.close()
            skipped[row] = str(error).strip().splitlines()[-1]
        else:
            peers[row] = peer
        print(f"{row}: {skipped.get(row, 'ready')}", flush=True)
    return peers, infos, skipped


def measure(peers, args):
    """Rates of each row, one per round: `{"train": {row: [...]}, "log_prob": ...}`, in steps (batches) per second."""
    rates = {"train": {}, "log_prob": {}}
    for operation, column, steps in (("train", 3, args.train_steps), ("log_prob", 4, args.log_prob_steps)):
        for _ in range(args.rounds):
            for row, peer in peers.items():
                if ROWS[row][column]:
                    seconds = peer.call(operation, steps=steps)["seconds"]
                    rates[operation].setdefault(row, []).append(steps / seconds)
        if rates[operation]:
            print(f"\n{summary(operation, rates[operation])[0]}\n", flush=True)
    return rates


def summary(operation, rates):
    """The table of one operation, and the outcome of each row that has a target."""
    ours = [row for row in OURS[operation] if row in rates]
    best = max(ours, key=lambda row: reporting.median(rates[row]), default=None)
    rows, outcomes = [], {}
    for row, values in sorted(rates.items(), key=lambda item: -reporting.median(item[1])):
        ratios = [mine / theirs for mine, theirs in zip(rates[best], values, strict=True)] if best else None
        target = TARGETS.get(row.partition(",")[0])
        outcome = "-"
        if ratios and target:
            ratio = reporting.median(ratios)
            outcome = "reached" if ratio >= target else f"missed by {target - ratio:.2f}"
            outcomes[row] = {"ratio": ratio, "target": target, "reached": ratio >= target}
        cells = [row, reporting.spread(values, 0), reporting.spread(ratios) if ratios else "-"]
        rows.append([*cells, f">= {target:g}" if target else "-", outcome])
    rate = "train steps/s" if operation == "train" else "log_prob batches/s"
    return reporting.table(["library", rate, f"{best} / library", "target", "result"], rows), best, outcomes


def main():
    args = parse_args()
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < args.threads:
        raise SystemExit(f"--threads {args.threads} needs as many CPUs. Received: {len(os.sched_getaffinity(0))}")
    peers, infos, skipped = start(args)
    try:
        rates = measure(peers, args)
    finally:
        for peer in peers.values():
            peer.close()
    text = (
        f"RealNVP, 2-D data, 8 couplings, hidden layers 64 and 64, batches of {BATCH_SIZE}, Adam; {args.threads} "
        f"threads and CPUs; {args.rounds} interleaved rounds of {args.train_steps} training steps and "
        f"{args.log_prob_steps} evaluated batches. Median (smallest to largest); ratios are taken within a round."
    )
    record = {"rates": rates, "skipped": skipped, "workers": infos, "threads": args.threads, "outcomes": {}}
    for operation in ("train", "log_prob"):
        if rates[operation]:
            lines, best, record["outcomes"][operation] = summary(operation, rates[operation])
            text += f"\n\n{lines}"
            if operation == "log_prob" and best:
                text += f"\n\nThe faster way to evaluate with tfflows here: `{best}`."
    if skipped:
        text += "\n\nSkipped: " + "; ".join(f"{row} ({why})" for row, why in skipped.items()) + "."
    if infos:
        text += "\n\nVersions: " + "; ".join(dict.fromkeys(info["version"] for info in infos.values())) + "."
    print()
    name = f"real_nvp_peers_{args.threads}_threads"
    title = f"RealNVP side by side, {args.threads} threads"
    reporting.report(name, title, text, record, args, hidden=("--output", "--peer-python"), packages=())


if __name__ == "__main__":
    main()
