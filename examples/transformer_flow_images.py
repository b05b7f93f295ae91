"""TransformerFlow beside Glow on patches of photographs: as many weights, as many seconds of training.

python examples/transformer_flow_images.py [--minutes 10] [--seeds 1] [--without-noise] [--fast]

Both flows train on the same images with uniform dequantization, one after the other, each for so many seconds of
training steps: compilation and evaluation do not count. The learning rate of both falls to 0 as a cosine over that
time. Prints for each the bits per dimension of the test images with their standard error over images, weights, steps,
and samples per second; then trains a TransformerFlow on images with Gaussian noise for the same time and writes grids
of its samples, as they are and denoised, beside Glow's. With --fast a few steps of tiny flows, whose figures mean
nothing.
"""

import argparse
import dataclasses
import math
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from tfflows import datasets, evaluation, models, plotting

NOISE = 0.02  # standard deviation where all levels span 1: 5 levels of 256
NOISY = f"TransformerFlow, noise {NOISE}"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A flow and how it is trained."""

    make: callable
    batch_size: int
    learning_rate: float
    clip_norm: float | None = None


def recipes(image_shape, fast):
    """The flows by name."""
    glow = {"num_levels": 3, "steps_per_level": 8, "hidden_filters": 128}
    transformer = {"patch_size": 4, "num_flows": 4, "num_blocks": 2, "units": 120, "patch_couplings": 4}
    if fast:
        glow = {"num_levels": 1, "steps_per_level": 1, "hidden_filters": 16}
        transformer = {"patch_size": 8, "num_flows": 2, "num_blocks": 1, "units": 16}

    def make_transformer(seed, **options):
        return models.TransformerFlow(image_shape, **transformer, seed=seed, **options)

    return {
        "Glow": Recipe(lambda seed: models.Glow(image_shape, **glow, whiten=True, seed=seed), 32, 1e-3),
        "TransformerFlow": Recipe(make_transformer, 32, 1e-3, 1.0),
        NOISY: Recipe(lambda seed: make_transformer(seed, noise=NOISE), 32, 1e-3, 1.0),
    }


class TimedTraining:
    """Training steps that are timed one by one, the learning rate a function of the time.

    Args:
      flow: built flow, adapted here.
      data: integer images.
      recipe: `Recipe`.
      seed: int, of the order of the images.
    """

    def __init__(self, flow, data, recipe, seed):
        self.flow, self._data, self._recipe = flow, data, recipe
        self._rng, self._order = np.random.default_rng(seed), []
        flow.adapt(data)
        flow.compile(keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=recipe.clip_norm))
        flow.optimizer.build(flow.trainable_variables)
        before = [variable.numpy() for variable in flow.variables + flow.optimizer.variables]
        flow.train_on_batch(self._batch())  # compiles
        for variable, value in zip(flow.variables + flow.optimizer.variables, before, strict=True):
            variable.assign(value)

    def run(self, seconds, *, warm_up=100, most_steps=None):
        """Trains for that long; returns the steps and the seconds that they took."""
        steps, spent, most_steps = 0, 0.0, most_steps or math.inf
        while spent < seconds and steps < most_steps:
            rate = min(1.0, (steps + 1) / warm_up) * (1 + math.cos(math.pi * spent / seconds)) / 2
            self.flow.optimizer.learning_rate = rate * self._recipe.learning_rate
            batch, started = self._batch(), time.perf_counter()
            loss = self.flow.train_on_batch(batch)
            spent += time.perf_counter() - started
            steps += 1
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} after {steps} steps")
        return steps, spent

    def _batch(self):
        size = min(self._recipe.batch_size, len(self._data))
        if len(self._order) < size:
            self._order = self._rng.permutation(len(self._data))
        rows, self._order = self._order[:size], self._order[size:]
        return self._data[rows]


def samples_per_second(flow, count):
    """Of the second of two calls: the first compiles. Returns the rate and the samples."""
    sample = tf.function(lambda seed: flow.sample(count, seed=seed), autograph=False)
    sample(tf.constant([0, 0])).numpy()
    started = time.perf_counter()
    samples = sample(tf.constant([0, 1])).numpy()
    return count / (time.perf_counter() - started), samples


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of training for each flow (default 10)")
    parser.add_argument("--seeds", type=int, default=1, help="how many trainings of each (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--without-noise", action="store_true", help="leave out the flow that trains on noisy images")
    parser.add_argument("--output", type=pathlib.Path, help="folder of the grids (default: runs/transformer-flow)")
    parser.add_argument(
        "--fast", action="store_true", help="a few steps of tiny flows; writes nothing without --output"
    )
    options = parser.parse_args()
    if options.minutes <= 0 or options.seeds < 1:
        parser.error(f"more than 0 minutes and 0 seeds. Received: {options.minutes} and {options.seeds}")
    if not options.fast:
        options.output = options.output or pathlib.Path("runs/transformer-flow")
    return options


def main():
    options = parse_options()
    data = datasets.load("natural_patches")
    train, test = (x[: 64 if options.fast else None] for x in (data.train, data.test))
    seconds, most_steps, count = 60 * options.minutes, 2 if options.fast else None, 4 if options.fast else 64
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(
        f"{len(train):,} images of {data.event_shape}; {seconds:.0f} seconds of training steps for each flow, {device}"
    )
    print(f"{'flow':27} {'seed':>4} {'bits/dim':>17} {'weights':>10} {'seconds':>8} {'steps':>6} {'samples/s':>9}")
    grids, bits = {}, {}
    for seed in range(options.seed, options.seed + options.seeds):
        for name, recipe in recipes(data.event_shape, options.fast).items():
            if name == NOISY and options.without_noise:
                continue
            keras.utils.set_random_seed(seed)
            training = TimedTraining(recipe.make(seed), train, recipe, seed)
            steps, spent = training.run(seconds, warm_up=min(100, most_steps or 100), most_steps=most_steps)
            flow = training.flow
            rate, grids[name] = samples_per_second(flow, count)
            found = "(noisy images)"
            if getattr(flow, "noise", None) is None:
                nats = evaluation.discrete_negative_log_likelihood(
                    flow, data, num_draws=1, seed=0, batch_size=64, num_examples=len(test)
                )
                each = evaluation.bits_per_dim(nats, data.event_shape)
                bits.setdefault(name, []).append(each.mean)
                found = f"{each.mean:.4f} +- {each.standard_error:.4f}"
            else:
                grids[f"{name}, denoised"] = flow.sample(count, seed=tf.constant([0, 1]), denoise=True).numpy()
            weights = sum(math.prod(w.shape) for w in flow.trainable_weights)
            print(f"{name:27} {seed:4} {found:>17} {weights:10,} {spent:8.1f} {steps:6,} {rate:9.2f}", flush=True)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        for name, samples in grids.items():
            figure = plotting.images_figure(data.test, samples, levels=256, rows=4, columns=12)
            figure.savefig(options.output / f"{name.lower().replace(', ', '_').replace(' ', '_')}.png")
        print(f"grids of samples: {options.output}")
    means = {name: sum(each) / len(each) for name, each in bits.items()}
    print("mean bits per dimension: " + ", ".join(f"{name} {mean:.4f}" for name, mean in means.items()))
    better = [glow - transformer for glow, transformer in zip(bits["Glow"], bits["TransformerFlow"], strict=True)]
    print("TransformerFlow better than Glow, each seed: " + ", ".join(f"{each:+.4f}" for each in better))


if __name__ == "__main__":
    main()
