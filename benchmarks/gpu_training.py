"""Glow on a GPU by `model.fit`: float32 beside mixed precision, with and without XLA.

    python benchmarks/gpu_training.py

* Speed: the paper's CIFAR-10 setting (3 levels of 32 steps, width 512, 44.5 million weights), batches of 64 images of
  32x32x3, Adam. The policies take turns in rounds; ratios are taken within a round.
* What inverting costs in digits: the largest error of `decode(encode(x))` after that training, and the difference of
  log-probabilities from those on the CPU, with the GPU's TensorFloat-32 products and without.
* Quality: the recipe of `image_likelihood.py` on natural patches under each policy: bits per dimension of test images.

Each part is written to the result file when it is done.
"""

import argparse
import math
import pathlib
import time

import keras
import numpy as np
import reporting
import tensorflow as tf

from tfflows import datasets, evaluation, metrics, models

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
PARTS = ("speed", "quality")
PAPER = {"num_levels": 3, "steps_per_level": 32, "hidden_filters": 512}
RECIPE = {"num_levels": 3, "steps_per_level": 8, "hidden_filters": 128, "whiten": True}
FAST = {"num_levels": 2, "steps_per_level": 2, "hidden_filters": 16}
COMPILERS = {"graph": False, "XLA": True}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path, help=".npz with `train` and `test` (default: natural patches)")
    parser.add_argument("--save-images", type=pathlib.Path, help="only write the natural patches to this file")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=POLICIES)
    parser.add_argument("--compilers", nargs="+", default=list(COMPILERS), choices=COMPILERS)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--steps", type=int, default=20, help="training steps in a round (default 20)")
    parser.add_argument("--quality-steps", type=int, default=1000, help="training steps for bits/dim (default 1000)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.batch_size, args.rounds, args.steps, args.quality_steps = 4, 1, 2, 2
    return args


def read(args):
    """Training and test images of 8 bits."""
    if args.images is None:
        data = datasets.natural_patches()
        return data.train, data.test
    with np.load(args.images) as arrays:
        return arrays["train"], arrays["test"]


def make_glow(policy, jit_compile, train, options, learning_rate):
    keras.utils.set_random_seed(0)
    glow = models.Glow(train.shape[1:], **options, seed=1, dtype=policy)
    glow.adapt(train[: 64 if options is PAPER else glow.adapt_examples])
    glow.compile(keras.optimizers.Adam(learning_rate), jit_compile=jit_compile, metrics=[metrics.BitsPerDimension()])
    return glow


def fit(glow, train, steps, batch_size):
    """Trains for so many steps, the device waited for; returns seconds and the mean loss of the steps."""
    images = train[: steps * batch_size]
    data = tf.data.Dataset.from_tensor_slices(images).repeat().batch(batch_size, drop_remainder=True).prefetch(2)
    start = time.perf_counter()
    history = glow.fit(data, epochs=1, steps_per_epoch=steps, verbose=0).history
    return time.perf_counter() - start, float(history["loss"][-1])


def megabytes(kind):
    """TensorFlow's memory on the GPU; `nan` without one."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_memory_info("GPU:0")[kind] / 2**20 if gpus else math.nan


def speed(train, compiler, args):
    """The record of one way to compile, policies in turns; and the trained flows."""
    record, glows = {}, {}
    for policy in args.policies:
        before = megabytes("current")
        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.reset_memory_stats("GPU:0")
        start = time.perf_counter()
        options = FAST if args.fast else PAPER
        glows[policy] = glow = make_glow(policy, COMPILERS[compiler], train, options, 1e-4)
        built = time.perf_counter() - start
        first, loss = fit(glow, train, 2, args.batch_size)
        warm, _ = fit(glow, train, args.steps, args.batch_size)
        record[policy] = {
            "build_seconds": built, "first_fit_seconds": first, "seconds": [], "losses": [loss],
            "peak_megabytes": megabytes("peak") - before, "parameters": glow.count_params(),
        }  # fmt: skip
        print(
            f"{compiler}, {policy}: built in {built:.1f} s, first 2 steps {first:.1f} s, then {warm:.2f} s", flush=True
        )
    for i in range(args.rounds):
        for policy, glow in glows.items():
            seconds, loss = fit(glow, train, args.steps, args.batch_size)
            record[policy]["seconds"].append(seconds / args.steps)
            record[policy]["losses"].append(loss)
        done = ", ".join(f"{policy} {1e3 * each['seconds'][-1]:.1f}" for policy, each in record.items())
        print(f"{compiler}, round {i + 1}/{args.rounds}, ms a step: {done}", flush=True)
    return record, glows


def digits(glow, images):
    """Errors of the round trip, and of log-probabilities against the CPU."""
    y = glow.dequantization(images, seed=0)[0]
    per_dim = y[0].shape.num_elements() * math.log(2)
    with tf.device("/CPU:0"):
        reference = glow.log_prob(y).numpy() / per_dim
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    found = {}
    for name, tf32 in (("TF32", True), ("no TF32", False)):
        tf.config.experimental.enable_tensor_float_32_execution(tf32)
        found[name] = {
            "round_trip": evaluation.reconstruct(glow, images).max_float_error / glow.discrete_levels,
            "bits_per_dim": float(np.abs(glow.log_prob(y).numpy() / per_dim - reference).max()),
        }
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
    return found


def quality(train, test, policy, args):
    """Bits per dimension of test images after the recipe of `image_likelihood.py`."""
    glow = make_glow(policy, "auto", train, FAST if args.fast else RECIPE, 1e-3)
    order = np.random.default_rng(0).integers(len(train), size=args.quality_steps * 32)
    data = tf.data.Dataset.from_tensor_slices(order).batch(32, drop_remainder=True)
    images = tf.constant(train)
    data = data.map(lambda rows: tf.gather(images, rows)).prefetch(4)
    start = time.perf_counter()
    history = glow.fit(data, verbose=0)
    seconds = time.perf_counter() - start
    test = test[:64] if args.fast else test
    results = glow.evaluate(tf.data.Dataset.from_tensor_slices(test).batch(128), verbose=0, return_dict=True)
    record = {"seconds": seconds, "train": history.history["bits_per_dim"][-1], "test": results["bits_per_dim"]}
    print(f"{policy}: {record}", flush=True)
    return record


def speed_table(record, batch_size):
    rows = []
    for compiler, policies in record.items():
        for policy, each in policies.items():
            ms = [1e3 * value for value in each["seconds"]]
            base = policies.get("float32", each)["seconds"]
            ratios = [theirs / mine for mine, theirs in zip(each["seconds"], base, strict=True)]
            rows.append(
                [
                    f"{compiler}, {policy}",
                    f"{each['build_seconds']:.1f} + {each['first_fit_seconds']:.1f}",
                    reporting.spread(ms),
                    f"{batch_size / reporting.median(ms) * 1e3:.0f}",
                    reporting.spread(ratios),
                    f"{each['peak_megabytes']:.0f}",
                    f"{each['losses'][0]:.0f} to {each['losses'][-1]:.0f}",
                ]
            )
    headers = ["case", "s: build + first 2 steps", "ms a step", "images/s", "times as fast as float32", "peak MB"]
    return reporting.table([*headers, "loss, nats"], rows)


def digits_table(record):
    rows = [
        [f"{policy}, {name}", *(f"{each[key]:.1e}" for key in ("round_trip", "bits_per_dim"))]
        for policy, found in record.items()
        for name, each in found.items()
    ]
    return reporting.table(["trained under, evaluated with", "round trip", "bits/dim off"], rows)


def main():
    args = parse_args()
    train, test = read(args)
    if args.save_images is not None:
        np.savez_compressed(args.save_images, train=train, test=test)
        return
    record, texts = {"speed": {}, "digits": {}, "quality": {}}, {}

    def write():
        text = "\n\n".join(texts.values())
        name = "_".join(["gpu_training", *(part for part in PARTS if record[part])])
        reporting.report(name, "Glow by model.fit on a GPU", text, record, args, hidden=("--output", "--images"))

    if "quality" in args.parts:
        for policy in args.policies:
            record["quality"][policy] = quality(train, test, policy, args)
            rows = [
                [policy, f"{each['test']:.4f}", f"{each['train']:.4f}", f"{each['seconds']:.0f}"]
                for policy, each in record["quality"].items()
            ]
            texts["quality"] = (
                f"Natural patches, {RECIPE['num_levels']} levels of {RECIPE['steps_per_level']} steps, width "
                f"{RECIPE['hidden_filters']}, {args.quality_steps} steps of 32, Adam 1e-3, one seed:\n\n"
                + reporting.table(["policy", "test bits/dim", "training bits/dim", "s of fit"], rows)
            )
            write()
    if "speed" in args.parts:
        for compiler in args.compilers:
            record["speed"][compiler], glows = speed(train, compiler, args)
            texts["speed"] = (
                f"`model.fit`, Glow of 3 levels of {PAPER['steps_per_level']} steps, width {PAPER['hidden_filters']}, "
                f"batches of {args.batch_size} images 32x32x3, Adam; {args.rounds} rounds of {args.steps} steps. "
                "float32 multiplies in TensorFloat-32. Memory: TensorFlow's peak up to the first steps, "
                "less what it held before.\n\n" + speed_table(record["speed"], args.batch_size)
            )
            write()
            if record["digits"]:
                continue
            for policy, glow in glows.items():
                record["digits"][policy] = digits(glow, test[: min(64, args.batch_size)])
                print(f"{policy}: {record['digits'][policy]}", flush=True)
            texts["digits"] = (
                "The same flows after that training. Round trip: largest error of a pixel, of 0 to 1. Bits/dim "
                "off: largest difference of an image's log-probability from the CPU's.\n\n"
                + digits_table(record["digits"])
            )
            write()


if __name__ == "__main__":
    main()
