"""This checkout of tfflows beside another one, an earlier release for example: speed, memory, time to start.

    python benchmarks/two_builds.py --other CHECKOUT

Both run the cases of the other benchmarks (`peers/tfflows_*.py` of this checkout), each in a process of its own, in
turns; a ratio is taken within a round, above 1 where this checkout is faster. A case that falls below 0.97 is named.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import density_estimators
import glow_speed
import numpy as np
import reporting

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer  # noqa: E402 - the folder is on the path only now

HERE = pathlib.Path(__file__).resolve().parent
TARGET = 0.97
TIMEOUT = 1800.0
# Case: (peer, options of its build, data, what is timed and how often in a round)
CASES = {
    "RealNVP, fit": ("tfflows_real_nvp", {"loop": "fit"}, None, {"train": 256}),
    "RealNVP, predict": ("tfflows_real_nvp", {"evaluation": "predict"}, None, {"log_prob": 512}),
    "RealNVP, function": ("tfflows_real_nvp", {"evaluation": "function"}, None, {"log_prob": 256}),
    "spline couplings, 21": (
        "tfflows_density_estimators",
        {"model": "spline"},
        21,
        {"train": 40, "log_prob": 60, "sample": 40},
    ),
    "MAF, 21": ("tfflows_density_estimators", {"model": "maf"}, 21, {"train": 40, "log_prob": 60, "sample": 4}),
    "Glow, 3 x 8": ("tfflows_glow", glow_speed.CASE, "images", {"train": 10, "sample": 5}),
    "Glow, 3 x 32": ("tfflows_glow", {**glow_speed.CASE, "steps_per_level": 32}, "images", {"train": 3}),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=pathlib.Path, required=True, help="folder of the other checkout")
    parser.add_argument("--cases", default=";".join(CASES), help=f"separated by ; (default {'; '.join(CASES)})")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.cases = [case.strip() for case in args.cases.split(";")]
    if not set(args.cases) <= set(CASES):
        parser.error(f"unknown cases: {sorted(set(args.cases) - set(CASES))}; there are {list(CASES)}")
    if not (args.other / "tfflows" / "__init__.py").is_file():
        parser.error(f"--other must be a checkout of tfflows. Received: {args.other}")
    if args.fast:
        args.rounds, args.cases = 1, args.cases[:1]
    return args


def write_data(kind, folder):
    """The data of a case as a file, or `None` for the worker's own."""
    if kind is None:
        return None
    rng, path = np.random.default_rng(0), folder / f"{kind}.npz"
    if kind == "images":
        images = rng.integers(0, 256, (256, 32, 32, 3), dtype=np.uint8)
        np.savez(path, train=images, test=images[:16], levels=256)
    else:
        x = rng.normal(size=(40 * 512, kind)).astype("float32")
        np.savez(path, train=x, test=x[:64], **density_estimators.recipe(4000))
    return str(path)


def environment(checkout, threads):
    """What lets a process import the package of a checkout."""
    return {"BENCH_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": 3, "PYTHONPATH": str(checkout.resolve())}


def compare(case, builds, args, folder):
    """Ratios of a case: `{what: [one per round]}`, and what the workers say of themselves."""
    name, options, kind, operations = CASES[case]
    data, ratios, workers = write_data(kind, folder), {}, {}
    try:
        for build, checkout in builds.items():
            command = [sys.executable, str(HERE / "peers" / "worker.py"), name]
            workers[build] = Peer(command, environment(checkout, args.threads))
        starts = {build: first_step(peer, data, options, operations) for build, peer in workers.items()}
        ratios["start"] = [starts["other"] / starts["this"]]
        for operation, count in operations.items():
            for peer in workers.values():
                peer.call(operation, steps=count, timeout=TIMEOUT)
            for number in range(args.rounds):  # whoever is first in a round is second in the next
                order = list(workers)[:: -1 if number % 2 else 1]
                seconds = {
                    each: workers[each].call(operation, steps=count, timeout=TIMEOUT)["seconds"] for each in order
                }
                ratios.setdefault(operation, []).append(seconds["other"] / seconds["this"])
        infos = {build: peer.call("info") for build, peer in workers.items()}
    finally:
        for peer in workers.values():
            peer.close()
    ratios["memory"] = [infos["other"]["peak_megabytes"] / infos["this"]["peak_megabytes"]]
    return ratios, infos


def first_step(peer, data, options, operations):
    """Seconds of importing and building the flow, and of the first call of everything that is timed."""
    start = time.perf_counter()
    peer.call("build", seed=0, options=options, timeout=TIMEOUT, **({} if data is None else {"data": data}))
    for operation in operations:
        peer.call(operation, steps=1, timeout=TIMEOUT)
    return time.perf_counter() - start


def import_times(builds, args):
    """Ratios of the processor time of `import tfflows` and all its rooms that the public names live in."""
    code = "import time; s = time.process_time(); import tfflows; tfflows.models, tfflows.layers, tfflows.datasets; "
    code += "print(time.process_time() - s)"
    ratios = []
    for _ in range(args.rounds):
        seconds = {}
        for build, checkout in builds.items():
            around = {**{"PATH": "/usr/bin"}, **{k: str(v) for k, v in environment(checkout, args.threads).items()}}
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=around, check=True)
            seconds[build] = float(done.stdout.splitlines()[-1])
        ratios.append(seconds["other"] / seconds["this"])
    return ratios


def main():
    args = parse_args()
    builds = {"this": HERE.parent, "other": args.other}
    rows, record, low = [], {"import": import_times(builds, args)}, []
    with tempfile.TemporaryDirectory() as folder:
        for case in args.cases:
            record[case], infos = compare(case, builds, args, pathlib.Path(folder))
            record[f"{case}, workers"] = infos
            print(
                f"{case}: " + ", ".join(f"{what} {reporting.median(r):.2f}" for what, r in record[case].items()),
                flush=True,
            )
    figures = {"import": {"processor time": record["import"]}} | {case: record[case] for case in args.cases}
    for case, ratios in figures.items():
        for what, values in ratios.items():
            rows.append([case, what, reporting.spread(values)])
            low += [f"{case}, {what}"] if reporting.median(values) < TARGET else []
    text = (
        f"Seconds (or bytes) of the other checkout over those of this one, above 1 where this one is better; "
        f"{args.rounds} interleaved rounds, {args.threads} threads. `start` is import, building and every first call; "
        f"`start` and `memory` are of one process each.\n\n" + reporting.table(["case", "of", "ratio"], rows)
    )
    text += f"\n\nBelow {TARGET}: {'; '.join(low) or 'none'}."
    print()
    reporting.report("two_builds", "Two checkouts side by side", text, record, args, hidden=("--output", "--other"))


if __name__ == "__main__":
    main()
