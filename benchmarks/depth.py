"""What depth costs: many steps of a Glow as a chain, and as one loop.

    python benchmarks/depth.py

Three levels of 4, 8, 32 and 64 steps each (actnorm, a fixed permutation, an affine coupling with a network of
convolutions 3x3-1x1-3x3 of width 128) on 16 images of 32x32x3 are trained by Adam, in a process of their own for each
case: the time from making the flow to the end of the first training step, steps per second after it, and the largest
resident memory of the process.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import reporting

BATCH_SIZE, WIDTH = 16, 128
SHAPES = ((16, 16, 12), (8, 8, 24), (4, 4, 48))  # what Glow's three levels see of an image 32x32x3
FORMS = {
    "chain": "Chain, every step in the graph",
    "repeated": "Repeated, inverting (default)",
    "repeated_1": "Repeated, checkpoint_every=1",
    "stored": "Repeated, reversible=False",
    "glow": "Glow, its defaults, by fit",
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[4, 8, 32, 64], help="steps per level")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS), help="which forms (default all)")
    parser.add_argument("--seconds", type=float, default=10.0, help="time to measure the rate for (default 10)")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.depths, args.seconds = [2, 4], 0.5
    return args


def make_step(shape):
    """One step of Glow over `shape`."""
    import keras
    import numpy as np

    from tfflows.bijectors import ActNorm, AffineCoupling, Chain, Permutation
    from tfflows.ops import masks

    height, width, channels = shape
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    network = keras.Sequential([
        keras.layers.Conv2D(WIDTH, 3, **options),
        keras.layers.Conv2D(WIDTH, 1, **options),
        keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros"),
    ])  # fmt: skip
    network.build((None, height, width, channels // 2))
    mask = np.broadcast_to(masks.half(channels), shape)
    return Chain([ActNorm(shape), Permutation(np.arange(channels)[::-1]), AffineCoupling(mask, network)])


def make_level(form, shape, depth):
    """`depth` steps in one of the `FORMS`."""
    from tfflows.bijectors import Chain, Repeated

    if form == "chain":
        return Chain([make_step(shape) for _ in range(depth)])
    options = {"repeated_1": {"checkpoint_every": 1}, "stored": {"reversible": False}}.get(form, {})
    return Repeated(make_step(shape), depth, seed=0, **options)


def measure(form, depth, args):
    """Trains one case in this process and prints its figures as JSON."""
    reporting.use_threads(args.threads)
    start = time.perf_counter()
    step = glow_step(depth) if form == "glow" else bare_step(form, depth)
    losses = [step()]
    first, rates = time.perf_counter() - start, []
    until = time.perf_counter() + args.seconds
    while time.perf_counter() < until or len(rates) < 3:
        begin = time.perf_counter()
        losses.append(step())
        rates.append(1 / (time.perf_counter() - begin))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first_step_seconds": first, "rates": rates, "megabytes": megabytes, "losses": losses}))


def glow_step(depth):
    """A function that makes one step of `Glow.fit` and returns the loss; the first also adapts to the images."""
    import keras
    import numpy as np

    from tfflows import models

    images = np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, 32, 32, 3), dtype=np.uint8)
    glow = models.Glow(images.shape[1:], steps_per_level=depth, hidden_filters=WIDTH, seed=0)
    glow.compile(keras.optimizers.Adam(1e-4))
    return lambda: glow.fit(images, batch_size=BATCH_SIZE, verbose=0).history["loss"][0]


def bare_step(form, depth):
    """A function that makes one step of levels in one of the other `FORMS` and returns the loss."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tfflows.joint.weights import keras_layers_of

    levels = [make_level(form, shape, depth) for shape in SHAPES]
    weights = [v for level in levels for layer in keras_layers_of(level) for v in layer.trainable_variables]
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(weights)
    rng = np.random.default_rng(0)
    events = [tf.constant(rng.normal(size=(BATCH_SIZE, *shape)), tf.float32) for shape in SHAPES]

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = 0.0
            for level, y in zip(levels, events):
                x, log_det = level.inverse_and_log_det(y)
                loss += tf.reduce_mean(0.5 * tf.reduce_sum(x**2, axis=[1, 2, 3]) - log_det)
        optimizer.apply_gradients(zip(tape.gradient(loss, [v.value for v in weights]), weights))
        return loss

    return lambda: float(step())


def run_case(form, depth, args):
    """The figures of one case, measured in a process of its own."""
    options = ["--threads", str(args.threads), "--seconds", str(args.seconds)]
    command = [sys.executable, __file__, "--worker", form, str(depth), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{form} with {depth} steps failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    args = parse_args()
    if args.worker:
        measure(args.worker[0], int(args.worker[1]), args)
        return
    rows, record = [], {}
    for form in args.forms:
        for depth in args.depths:
            found = record[f"{form} {depth}"] = run_case(form, depth, args)
            least = record[f"{form} {args.depths[0]}"]
            ratios = [f"{found[key] / least[key]:.2f}" for key in ("first_step_seconds", "megabytes")]
            rate = reporting.spread(found["rates"])
            figures = [f"{found['first_step_seconds']:.1f}", ratios[0], rate, f"{found['megabytes']:.0f}", ratios[1]]
            rows.append([FORMS[form], depth, *figures])
            print(f"{form} {depth}: done", flush=True)
    headers = ["form", "steps per level", "s, first step", f"of {args.depths[0]}'s", "steps/s", "peak MB"]
    text = (
        f"Training of {len(SHAPES)} levels, batches of {BATCH_SIZE} images 32x32x3, networks of width {WIDTH}. "
        "Steps/s: median (smallest to largest).\n\n" + reporting.table([*headers, f"of {args.depths[0]}'s"], rows)
    )
    print()
    reporting.report("depth", "What depth costs", text, record, args)


if __name__ == "__main__":
    main()
