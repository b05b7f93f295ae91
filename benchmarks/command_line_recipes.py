"""How smoothly `tfflows train` trains with its defaults: epochs whose loss is above that of one before.

    python benchmarks/command_line_recipes.py --models autoregressive-flow --data rings,two-spirals

Trains each model on each named set that needs no download, for several seeds, as `tfflows train --model M --data D
--seed S` does. An epoch after the third is bad if its mean loss is more than 1.05 times the smallest one before it
(that plus 5 % of its size, where it is negative). Each training runs in a process of its own and is written down when
it is done; the same command again makes only those that are missing.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time

import reporting
from runs import Store, in_a_process, run_all

from tfflows.cli import defaults

FIRST, ALLOWED = 3, 0.05  # epochs that may be anything; how much worse than the best before
DATA = [name for name, source in defaults.DATA.items() if source != defaults.PUBLISHED]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(defaults.MODELS), help="comma-separated; default all")
    parser.add_argument("--data", default=",".join(DATA), help="comma-separated; default all without a download")
    parser.add_argument("--seeds", type=int, default=5, help="default 5")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (default 1)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    args.models, args.data = args.models.split(","), args.data.split(",")
    unknown = [*set(args.models) - defaults.MODELS.keys(), *set(args.data) - set(DATA)]
    if unknown or args.seeds < 1:
        parser.error(f"Models of {', '.join(defaults.MODELS)}, data of {', '.join(DATA)}. Received: {unknown}")
    if args.fast:
        args.models, args.data, args.seeds = args.models[:1], args.data[:1], 1
    return args


def train(model, name, seed, threads, fast):
    """Mean loss of each epoch in training and the least in validation, nats, and the seconds of one training."""
    reporting.use_threads(threads)
    from tfflows.cli import data, main, training
    from tfflows.cli import model as models
    from tfflows.cli.run import Run

    with tempfile.TemporaryDirectory() as folder:
        short = ["--epochs", "5", "--num-train", "2000"] if fast else []
        options = ["--model", model, "--data", name, "--seed", str(seed), "--output", folder, *short]
        run = Run.start(main.parse(["train", *options]))
        data.load(run)
        models.build(run)
        run.begin()
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            training.train(run)
        losses, validation = training.read_log(run.folder)
    record = {"losses": losses.tolist(), "validation": float(validation.min()), "seconds": time.perf_counter() - start}
    print(f"{model}, {name}, seed {seed}: {len(bad_epochs(record['losses']))} bad of {len(losses)} epochs", flush=True)
    return record


def bad_epochs(losses):
    """Pairs of an epoch, counted from 1, and how far it is above the best before, relative to that."""
    best, found = losses[0], []
    for epoch, loss in enumerate(losses, 1):
        excess = (loss - best) / abs(best)
        if epoch > FIRST and not excess <= ALLOWED:
            found.append((epoch, excess))
        best = min(best, loss)
    return found


def main():
    args = parse_args()
    fitting = [
        (model, name)
        for model in args.models
        for name in args.data
        if set(defaults.MODELS[model][1]) & set(defaults.EVENTS[defaults.DATA[name]])
    ]
    tasks = {f"{model}, {name}, seed {i}": (model, name, i) for i in range(args.seeds) for model, name in fitting}
    keep = not args.fast or args.output is not None
    store = Store((args.output or reporting.RESULTS) / "command_line_recipes_runs.json" if keep else None)
    failures = run_all(
        tasks,
        lambda key, cpus: in_a_process(cpus, train, *tasks[key], args.threads, args.fast),
        store,
        jobs=args.jobs,
        threads=args.threads,
    )
    rows, bad = [], 0
    for pair in fitting:
        records = [store[key] for key, task in tasks.items() if task[:2] == pair and key in store]
        if not records:
            continue
        found = [bad_epochs(record["losses"]) for record in records]
        bad += sum(map(bool, found))
        worst = max((excess for each in found for _, excess in each), default=None)
        rows.append(
            [
                ", ".join(pair),
                len(records),
                sum(map(bool, found)),
                "-" if worst is None else f"{worst:.1%}",
                f"{statistics.fmean(record['validation'] for record in records):.4f}",
                f"{statistics.fmean(record['seconds'] for record in records):.0f}",
            ]
        )
    headers = ["model, data", "seeds", "with a bad epoch", "worst of one", "validation nats", "s"]
    text = f"{bad} of {len(tasks) - len(failures)} trainings have a bad epoch.\n\n{reporting.table(headers, rows)}"
    reporting.report("command_line_recipes", "Default recipes of `tfflows train`", text, {"rows": rows}, args)
    if failures:
        raise SystemExit(f"{len(failures)} of {len(tasks)} trainings failed; the others are kept.")


if __name__ == "__main__":
    main()
