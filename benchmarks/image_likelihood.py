"""Glow beside normflows' Glow: bits per dimension of test images, and what PNG and WebP need for them.

    python benchmarks/image_likelihood.py --peer-python PYTHON_OF_THE_PEERS

The same data, order of batches, dequantization, number of parameters, optimizer and number of steps. Each training runs
in a process of its own and is written down when it is done; the same command again makes only those that are missing.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import statistics
import sys
import tempfile

import image_codecs
import numpy as np
import reporting
from runs import Store

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))

from protocol import Peer  # noqa: E402 - the folder is on the path only now

WORKER = pathlib.Path(__file__).resolve().parent / "peers" / "worker.py"
TARGET = 0.03  # bits per dimension better than a peer
TOLERANCE = 0.02  # relative, between numbers of parameters
QUARTERS = 4  # how often the test images are looked at in a training
TIMEOUT = 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Case:
    """Data and the recipe for it.

    Attributes:
      num_levels, steps_per_level, hidden_filters: of the Glow.
      peer_filters: the hidden filters with which the peer has as many parameters.
      batch_size, steps: of the training.
      draws: of the dequantization noise of a test image.
      whiten: whether the Glow of tfflows starts from whitened data.
    """

    num_levels: int
    steps_per_level: int
    hidden_filters: int
    peer_filters: int
    batch_size: int
    steps: int
    draws: int
    whiten: bool = False


CASES = {
    "patches": Case(3, 8, 128, 128, batch_size=32, steps=1000, draws=1, whiten=True),
    "digits": Case(2, 8, 64, 67, batch_size=64, steps=1000, draws=16),  # then tfflows overfits
}
FAST = {
    "patches": Case(2, 1, 16, 12, batch_size=16, steps=8, draws=1, whiten=True),
    "digits": Case(2, 1, 16, 18, batch_size=16, steps=8, draws=1),
}

# Library: (peer, options of its build, runs with this interpreter)
LIBRARIES = {
    "tfflows": ("tfflows_glow", {}, True),
    "normflows": ("normflows_glow", {}, False),
    "normflows, net_actnorm": ("normflows_glow", {"net_actnorm": True}, False),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has normflows (default: this)")
    parser.add_argument("--data", default=",".join(CASES), help=f"default {','.join(CASES)}")
    parser.add_argument("--libraries", default="tfflows;normflows", help=f"separated by ;: {'; '.join(LIBRARIES)}")
    parser.add_argument("--runs", type=int, default=3, help="seeds (default 3)")
    parser.add_argument("--steps", type=int, help="optimizer steps, for a longer training than the recipe's")
    parser.add_argument("--every", type=int, default=50, help="steps between two lines of progress (default 50)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.data, args.libraries = args.data.split(","), [name.strip() for name in args.libraries.split(";")]
    for names, known in ((args.data, CASES), (args.libraries, LIBRARIES)):
        if not set(names) <= set(known):
            parser.error(f"unknown names: {sorted(set(names) - set(known))}; there are {list(known)}")
    if args.runs < 1 or (args.steps is not None and args.steps < 1):
        parser.error(f"at least one run and one step. Received: {args.runs} runs, {args.steps} steps")
    args.runs = min(args.runs, 1) if args.fast else args.runs
    return args


def load(name, fast):
    """Integer images `train` and `test` and their number of `levels`."""
    from tfflows import datasets

    data = datasets.digits(as_images=True) if name == "digits" else datasets.natural_patches()
    most = 64 if fast else None
    return {"train": data.train[:most], "test": data.test[:most], "levels": np.array(data.discrete_levels)}


def train(library, case, seed, path, args, label):
    """Trains in a process of its own; the record of that."""
    peer_name, options, here = LIBRARIES[library]
    filters = case.hidden_filters if here else case.peer_filters
    options = {
        "batch_size": case.batch_size,
        "num_levels": case.num_levels,
        "steps_per_level": case.steps_per_level,
        "hidden_filters": filters,
        **({"whiten": case.whiten} if here else {}),
        **options,
    }
    environment = {"BENCH_THREADS": args.threads, "TF_CPP_MIN_LOG_LEVEL": 3}
    if not here:
        environment["PYTHONPATH"] = ""  # this interpreter's packages are not the peers'
    size = math.log(2) * math.prod(np.load(path)["test"].shape[1:])
    python = sys.executable if here else args.peer_python
    with Peer([python, str(WORKER), peer_name], environment) as peer:
        peer.call("build", TIMEOUT, seed=seed, data=str(path), options=options)
        record = {"options": options, **peer.call("info")}
        seconds, done, losses, curve = 0.0, 0, [], []
        for quarter in range(1, QUARTERS + 1):
            while done < case.steps * quarter // QUARTERS:
                count = min(args.every, case.steps * quarter // QUARTERS - done)
                answer = peer.call("train", TIMEOUT, steps=count)
                done, seconds = done + count, seconds + answer["seconds"]
                losses.append(answer["loss"] / size)
                print(f"{label}: step {done}/{case.steps}, {losses[-1]:.4f} bits/dim, {seconds:.0f} s", flush=True)
            result = peer.call("evaluate", TIMEOUT, draws=case.draws)
            curve.append({"steps": done, **result})
            print(f"{label}: step {done}, test {result['bits_per_dim']:.4f} bits/dim", flush=True)
    finite = all(map(math.isfinite, losses)) and not any(point["not_finite"] for point in curve)
    return {**record, "seconds": seconds, "finite": finite, "train_bits": losses, "test": curve}


def runs(name, case, path, store, args):
    """The records of all trainings on one data set by library, those that are stored not made again."""
    records = {library: [] for library in args.libraries}
    for seed in range(args.runs):
        for library in args.libraries:
            label = f"{name}, {library}, seed {seed}"
            key = f"{label}, {json.dumps(dataclasses.asdict(case))}, {args.threads} threads"
            if key in store:
                print(f"{label}: done before, {store[key]['test'][-1]['bits_per_dim']:.4f} bits/dim", flush=True)
            else:
                store[key] = train(library, case, seed, path, args, label)
                store.save()
            records[library].append(store[key])
    return records


def check_parameters(records):
    """Refuses a comparison of models of different size."""
    counts = {library: each[0]["num_parameters"] for library, each in records.items()}
    if max(counts.values()) > (1 + TOLERANCE) * min(counts.values()):
        raise SystemExit(f"Numbers of parameters must agree within {TOLERANCE:.0%}. Received: {counts}")


def library_table(records):
    """The table of the libraries, and the outcome of each comparison."""
    rows, outcomes = [], {}
    ours = [each["test"][-1]["bits_per_dim"] for each in records.get("tfflows", [])]
    for library, each in records.items():
        bits = [record["test"][-1]["bits_per_dim"] for record in each]
        better, result = "-", "-"
        if ours and library != "tfflows":
            gains = [theirs - mine for mine, theirs in zip(ours, bits, strict=True)]
            mean = statistics.fmean(gains)
            better = ", ".join(f"{gain:+.4f}" for gain in gains)
            result = "reached" if mean >= TARGET else f"missed by {TARGET - mean:.4f}"
            outcomes[library] = {"better": gains, "target": TARGET, "reached": mean >= TARGET}
        rows.append(
            [
                library,
                f"{each[0]['num_parameters']:,}",
                ", ".join(f"{value:.4f}" for value in bits),
                f"{statistics.fmean(bits):.4f} +- {each[0]['test'][-1]['standard_error']:.4f}",
                f"{statistics.fmean(record['train_bits'][-1] for record in each):.4f}",
                f"{statistics.fmean(record['seconds'] for record in each):.0f}",
                sum(not record["finite"] for record in each),
                better,
                result,
            ]
        )
    headers = [
        "library",
        "parameters",
        "test bits/dim",
        "mean",
        "train",
        "s",
        "not finite",
        "tfflows better by",
        "0.03?",
    ]
    return reporting.table(headers, rows), outcomes


def codec_table(data, best):
    """The table of PNG and WebP on the same test images; `best`: bits per dimension of our flow, or `None`."""
    sizes = {name: image_codecs.size(data["test"], name) for name in image_codecs.OPTIONS}
    rows = [
        [name, f"{size.files:.4f}", f"{size.payload:.4f}", f"{size.sheet:.4f}"]
        + (["-"] if best is None else [f"{best - size.files:+.4f}"])
        for name, size in sizes.items()
    ]
    headers = ["format", "a file each", "payload of these", "one file of all", "tfflows minus a file each"]
    return reporting.table(headers, rows), {name: dataclasses.asdict(size) for name, size in sizes.items()}


def describe(name, case, data):
    height, width, channels = data["train"].shape[1:]
    return (
        f"## {name}\n\n{len(data['train']):,} training and {len(data['test']):,} test images of {height} x {width} x "
        f"{channels}, {int(data['levels'])} levels; {case.num_levels} levels of {case.steps_per_level} steps, width "
        f"{case.hidden_filters} (normflows {case.peer_filters}), batches of {case.batch_size}, {case.steps:,} steps. "
        f"The mixing of channels of tfflows starts {'by whitening the data' if case.whiten else 'as a rotation'}."
    )


def main():
    args = parse_args()
    keep = not args.fast or args.output is not None
    store = Store((args.output or reporting.RESULTS) / "image_likelihood_runs.json" if keep else None)
    texts = [
        "Glow, Adam with learning rate 0.001, uniform dequantization. Bits per dimension of the test images after the "
        "last step, of each seed; their mean, with the standard error of one seed's over images; of the last training "
        "batches; seconds of training without evaluation (the first includes compilation). PNG (Pillow, optimized) and "
        "WebP (lossless, quality 100, method 6) encode the same test images: whole files, one an image; of these, only "
        "what depends on the pixels; and one file of all images side by side."
    ]
    record = {}
    for name in args.data:
        case = (FAST if args.fast else CASES)[name]
        case = dataclasses.replace(case, steps=args.steps or case.steps)
        data = load(name, args.fast)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "data.npz"
            np.savez(path, **data)
            records = runs(name, case, path, store, args)
        check_parameters(records)
        libraries, outcomes = library_table(records)
        ours = [each["test"][-1]["bits_per_dim"] for each in records.get("tfflows", [])]
        codecs, sizes = codec_table(data, statistics.fmean(ours) if ours else None)
        texts += [describe(name, case, data), libraries, codecs]
        record[name] = {"case": dataclasses.asdict(case), "runs": records, "outcomes": outcomes, "codecs": sizes}
    versions = {each["version"] for data in record.values() for many in data["runs"].values() for each in many}
    texts.append(f"Versions: {'; '.join(sorted(versions))}.")
    print()
    name = "image_likelihood" + (f"_{args.steps}_steps" if args.steps else "")
    hidden = ("--output", "--peer-python")
    packages = ("tensorflow", "keras", "tensorflow-probability", "numpy", "pillow")
    reporting.report(name, "Glow side by side", "\n\n".join(texts), record, args, hidden=hidden, packages=packages)


if __name__ == "__main__":
    main()
