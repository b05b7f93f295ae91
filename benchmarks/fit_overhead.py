"""What `fit` costs on top of a bare compiled training loop, and whether it retraces or leaks.

    python benchmarks/fit_overhead.py

Four tables: steps per second of `RealNVP.fit` against a bare loop over the same flow (interleaved rounds in one
process, ratios within a round), `jit_compile` True, False and "auto" on this device, the number of times Python
traces the log-probability over 1,000 steps, and memory over 5,000 eager `log_prob` calls.
"""

import argparse
import gc
import os
import time

import keras
import numpy as np
import reporting
import tensorflow as tf

from tfflows import models

BATCH_SIZE = 1024
TARGET = 0.9


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--steps", type=int, default=512, help="training steps in a round (default 512)")
    parser.add_argument("--calls", type=int, default=5000, help="eager log_prob calls (default 5000)")
    parser.add_argument("--skip-jit", action="store_true", help="leave out the comparison of jit_compile")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.rounds, args.steps, args.calls = 2, 64, 200
    return args


def make_flow(data, flow_class=models.RealNVP):
    """The case: 2-D, 8 couplings, hidden layers 64 and 64, standardised."""
    flow = flow_class(event_shape=(2,), num_layers=8, hidden_units=(64, 64), seed=0)
    flow.adapt(data)
    return flow


def bare_loop(data, steps, group):
    """A function that makes `steps` optimizer steps, `group` of them in each call of a compiled function.

    The same flow, the same Keras Adam, the same loss; batches are rows of a resident tensor. No metrics, no
    shuffling, no callbacks, no check of the data.
    """
    flow = make_flow(data)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(flow.trainable_variables)
    rows = len(data) // BATCH_SIZE
    batches = tf.constant(data[: rows * BATCH_SIZE].reshape(rows, BATCH_SIZE, 2))

    def step(i):
        x = tf.gather(batches, i % rows)
        weights = flow.trainable_variables
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow.log_prob(x))
        optimizer.apply_gradients(zip(tape.gradient(loss, [w.value for w in weights]), weights, strict=True))
        return loss

    @tf.function
    def many(start):
        loss = tf.constant(0.0)
        for k in tf.range(group):
            loss = step(start + k)
        return loss

    compiled = many if group > 1 else tf.function(step)

    def run():
        for start in range(0, steps, group):
            loss = compiled(tf.constant(start))
        return float(loss)

    return run


def fitting(data, steps, **compile_options):
    """A function that makes `steps` optimizer steps with `fit` on an array, and the flow."""
    flow = make_flow(data)
    flow.compile(keras.optimizers.Adam(1e-3), **compile_options)
    per_epoch = min(len(data) // BATCH_SIZE, steps)
    x = data[: per_epoch * BATCH_SIZE]
    return (lambda: flow.fit(x, batch_size=BATCH_SIZE, epochs=steps // per_epoch, verbose=0)), flow


def interleaved(cases, rounds, steps):
    """Steps per second of each case, one per round; the first round compiles and is not counted."""
    rates = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, run in cases.items():
            start = time.perf_counter()
            run()
            if number:
                rates[name].append(steps / (time.perf_counter() - start))
    return rates


def compare_loops(data, args):
    """Table (a): `fit` against bare loops."""
    fit, flow = fitting(data, args.steps)
    fit()
    group = int(flow.steps_per_execution)
    same = f"bare loop, {group} steps a call"
    cases = {same: bare_loop(data, args.steps, group), "bare loop, 1 step a call": bare_loop(data, args.steps, 1)}
    cases["fit"] = fit
    rates = interleaved(cases, args.rounds, args.steps)
    rows = []
    for name, values in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(values, rates[same], strict=True)]
        rows.append([name, reporting.spread(values, 0), reporting.spread(ratios)])
    ratio = reporting.median([mine / theirs for mine, theirs in zip(rates["fit"], rates[same], strict=True)])
    outcome = "reached" if ratio >= TARGET else f"missed by {TARGET - ratio:.2f}"
    text = (
        f"`fit` on an array, {group} steps per execution (its default), against the bare loop over the same flow: "
        f"{ratio:.2f} of its rate; target {TARGET}, {outcome}. {args.rounds} interleaved rounds of {args.steps} steps "
        f"of {BATCH_SIZE}, median (smallest to largest).\n\n"
    )
    return text + reporting.table(["loop", "steps/s", "of the bare loop's"], rows), {"rates": rates, "ratio": ratio}


def compare_jit(data, args):
    """Table (b): XLA on, off and automatic."""
    cases, rows, first, resolved = {}, [], {}, {}
    for choice in (False, True, "auto"):
        run, flow = fitting(data, args.steps, jit_compile=choice)
        start = time.perf_counter()
        run()
        name = repr(choice)
        first[name], resolved[name], cases[name] = time.perf_counter() - start, flow.jit_compile, run
    rates = interleaved(cases, args.rounds, args.steps)
    for name, values in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(values, rates["False"], strict=True)]
        rows.append([name, resolved[name], f"{first[name]:.1f}", reporting.spread(values, 0), reporting.spread(ratios)])
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    headers = ["jit_compile", "resolved to", "s, first call", "steps/s", "of False's"]
    text = f"`compile(jit_compile=)` on this {device}.\n\n" + reporting.table(headers, rows)
    return text, {"rates": rates, "first_call_seconds": first, "resolved": {k: bool(v) for k, v in resolved.items()}}


class CountedRealNVP(models.RealNVP):
    """Counts how often Python runs `log_prob`: once in each trace, or twice where a step takes its batch in halves."""

    executions = 0

    def log_prob(self, x, context=None):
        self.executions += 1
        return super().log_prob(x, context)


def count_traces(data, args):
    """Table (c): Python executions of `log_prob` while `fit` runs."""
    rows, record = [], {}
    steps = 1000 if not args.fast else 64
    for what, epochs, extra in (("even batches", 1, 0), ("10 epochs, last batch smaller", 10, 100)):
        flow = make_flow(data, CountedRealNVP)
        flow.compile(keras.optimizers.Adam(1e-3))
        flow.executions = 0
        x = np.resize(data, (steps // epochs * BATCH_SIZE + extra, 2))
        counts = []
        for _ in range(2):
            flow.fit(x, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
            counts.append(flow.executions)
        made = int(flow.optimizer.iterations)
        rows.append([what, made // 2, counts[0], counts[1] - counts[0]])
        record[what] = {"steps": made // 2, "first_fit": counts[0], "second_fit": counts[1] - counts[0]}
    headers = ["data", "steps", "executions, first fit", "second fit"]
    text = (
        "Python executions of `log_prob` while `fit` trains: one a trace, or two where it evaluates a batch in halves, "
        "as it does with several cores. A last batch of another size is a trace more.\n\n"
    )
    return text + reporting.table(headers, rows), record


def resident_megabytes():
    """Memory of this process, in MB, or `None` where the system does not tell."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return None


def measure_memory(data, args):
    """Table (d): memory and live Python objects after so many eager calls."""
    flow = make_flow(data)
    x = tf.constant(data[:BATCH_SIZE])
    marks, rows = [args.calls // 5, args.calls], []
    for call in range(1, args.calls + 1):
        flow.log_prob(x)
        if call in marks:
            gc.collect()
            rows.append([f"{call:,}", f"{resident_megabytes() or float('nan'):.1f}", len(gc.get_objects())])
    megabytes = float(rows[1][1]) - float(rows[0][1])
    text = (
        f"Eager `log_prob` calls on one tensor: {megabytes:+.1f} MB and {rows[1][2] - rows[0][2]:+d} Python objects "
        f"from call {rows[0][0]} to call {rows[1][0]}.\n\n"
    )
    headers = ["calls", "resident MB", "Python objects"]
    return text + reporting.table(headers, rows), {"rows": rows, "megabytes": megabytes}


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    data = np.random.default_rng(0).normal(size=(256 * BATCH_SIZE, 2)).astype("float32")
    parts = {"fit": compare_loops}
    if not args.skip_jit:
        parts["jit_compile"] = compare_jit
    parts |= {"traces": count_traces, "memory": measure_memory}
    texts, record = [], {}
    for name, measure in parts.items():
        text, record[name] = measure(data, args)
        texts.append(text)
        print(f"{name}: done", flush=True)
    print()
    reporting.report("fit_overhead", "What `fit` costs", "\n\n".join(texts), record, args)


if __name__ == "__main__":
    main()
