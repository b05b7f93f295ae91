"""Reproduce a row of the published tables: bits per dimension of RealNVP and Glow on images.

python examples/image_likelihood.py --dataset cifar10 --model glow [--fast]

Reads the data with TensorFlow Datasets, trains with the published hyperparameters, continues a run that was stopped,
writes grids of samples, and prints the bits per dimension of the test images. With --fast the data are random pixels
(mocked), the model is tiny and the figure means nothing.
"""

import argparse
import contextlib
import dataclasses
import math
import pathlib
import tempfile

import keras

from tfflows import callbacks, datasets, evaluation, metrics, models


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One row. `bits` is what the paper reports for the test images; the rest is what its authors trained with."""

    data: str  # name in tfflows.datasets.tfds_names()
    bits: float
    levels: int
    steps: int  # Glow: steps of flow in a level; RealNVP: residual blocks of a network
    filters: int
    batch_size: int
    warmup: int = 0  # optimizer steps from learning rate 0 to 0.001


GLOW = {"filters": 512, "batch_size": 512, "warmup": 976}  # 8 workers of 64; warm-up of 10 epochs of 50,000 images
LARGE_GLOW = {"filters": 512, "batch_size": 128, "warmup": 976}  # 8 workers of 16
REAL_NVP = {"filters": 32, "batch_size": 64}

# RealNVP: Dinh et al. 2017, table 1 and section 4.1. Glow: Kingma and Dhariwal 2018, table 2; levels and steps from the
# commands in the README of its code, which for LSUN has 3 levels.
RECIPES = {
    ("cifar10", "glow"): Recipe("cifar10", 3.35, 3, 32, **GLOW),
    ("imagenet32", "glow"): Recipe("downsampled_imagenet_32x32", 4.09, 3, 48, **GLOW),
    ("imagenet64", "glow"): Recipe("downsampled_imagenet_64x64", 3.81, 4, 48, **LARGE_GLOW),
    ("lsun_bedroom", "glow"): Recipe("lsun_bedroom", 2.38, 3, 48, **LARGE_GLOW),
    ("lsun_tower", "glow"): Recipe("lsun_tower", 2.46, 3, 48, **LARGE_GLOW),
    ("lsun_church_outdoor", "glow"): Recipe("lsun_church_outdoor", 2.67, 3, 48, **LARGE_GLOW),
    ("cifar10", "real-nvp"): Recipe("cifar10", 3.49, 2, 8, filters=64, batch_size=64),
    ("imagenet32", "real-nvp"): Recipe("downsampled_imagenet_32x32", 4.28, 4, 4, **REAL_NVP),
    ("imagenet64", "real-nvp"): Recipe("downsampled_imagenet_64x64", 3.98, 5, 2, **REAL_NVP),
    ("lsun_bedroom", "real-nvp"): Recipe("lsun_bedroom", 2.72, 5, 2, **REAL_NVP),
    ("lsun_tower", "real-nvp"): Recipe("lsun_tower", 2.81, 5, 2, **REAL_NVP),
    ("lsun_church_outdoor", "real-nvp"): Recipe("lsun_church_outdoor", 3.08, 5, 2, **REAL_NVP),
    ("celeb_a", "real-nvp"): Recipe("celeb_a", 3.02, 5, 2, **REAL_NVP),
}


def make_flow(model, recipe, image_shape, dtype):
    common = {"num_levels": recipe.levels, "hidden_filters": recipe.filters, "seed": 0, "dtype": dtype}
    if model == "glow":
        return models.Glow(image_shape, steps_per_level=recipe.steps, **common)
    return models.RealNVP(image_shape=image_shape, num_blocks=recipe.steps, **common)


def make_optimizer(model, recipe, options):
    """Adamax for Glow, Adam for RealNVP, as in their code; the average of the weights is what is tested."""
    rate = options.learning_rate
    if recipe.warmup:  # linear from 0, then constant
        rate = keras.optimizers.schedules.CosineDecay(0.0, 1, alpha=1.0, warmup_target=rate, warmup_steps=recipe.warmup)
    average = {"use_ema": options.ema > 0, "ema_momentum": options.ema}
    if model == "glow":
        return keras.optimizers.Adamax(rate, beta_2=0.99, global_clipnorm=options.clip_norm, **average)
    return keras.optimizers.Adam(rate, global_clipnorm=options.clip_norm or 100.0, **average)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cifar10", choices=sorted({data for data, _ in RECIPES}))
    parser.add_argument("--model", default="glow", choices=sorted({model for _, model in RECIPES}))
    parser.add_argument("--epochs", type=int, default=1000, help="passes over the training images (default 1000)")
    parser.add_argument("--batch-size", type=int, help="default: the published one")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="default 0.001, the published one")
    parser.add_argument("--clip-norm", type=float, help="of the gradient (default: 100 for RealNVP, none for Glow)")
    parser.add_argument("--ema", type=float, default=0.99, help="decay of the weights' average; 0: none (default 0.99)")
    parser.add_argument("--mixed-precision", choices=("float16", "bfloat16"), help="of the networks")
    parser.add_argument("--draws", type=int, default=16, help="noise of the importance-weighted figure (default 16)")
    parser.add_argument("--data-dir", help="of TensorFlow Datasets")
    parser.add_argument(
        "--output", type=pathlib.Path, help="folder (default runs/DATASET-MODEL); a run there continues"
    )
    parser.add_argument("--fast", action="store_true", help="mocked data, a tiny model, a few steps")
    options = parser.parse_args()
    if (options.dataset, options.model) not in RECIPES:
        parser.error(f"no published row. Received: {options.dataset} with {options.model}")
    if options.output is None and not options.fast:
        options.output = pathlib.Path("runs") / f"{options.dataset}-{options.model}"
    return options


def train_and_test(recipe, options, output):
    data = datasets.tfds_images(recipe.data, data_dir=options.data_dir, num_validation=0)
    policy = f"mixed_{options.mixed_precision}" if options.mixed_precision else "float32"
    flow = make_flow(options.model, recipe, data.image_shape, policy)
    print(f"{options.model} on {recipe.data}: {sum(math.prod(w.shape) for w in flow.trainable_weights):,} weights")

    augment = data.augmentations.get(options.model.replace("-", "_"))
    batches = data.batches("train", batch_size=recipe.batch_size, seed=0, dequantize=False, augment=augment)
    flow.compile(make_optimizer(options.model, recipe, options), weighted_metrics=[metrics.BitsPerDimension()])
    state = callbacks.TrainingState(output / "training_state.npz")
    watchers = [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.CSVLogger(output / "log.csv", append=True),
        callbacks.SampleGrids(output / "samples", every=10, temperatures=(0.7, 1.0)),
        state,
    ]
    epochs = 1 if options.fast else options.epochs
    flow.fit(batches, epochs=epochs, initial_epoch=state.restore(flow), callbacks=watchers, verbose=2)
    flow.save(output / "flow.keras")  # since the end of `fit` its weights are the averages

    test = data.batches("test", batch_size=recipe.batch_size, seed=0, shuffle=False, dequantize=False)
    bits = flow.evaluate(test, verbose=0, return_dict=True)["bits_per_dim"]
    nats = evaluation.importance_weighted(flow, data, num_draws=options.draws, num_examples=1000, reduced=True)
    return bits, evaluation.bits_per_dim(nats, data.image_shape), data.num_examples("test")


def main():
    options = parse_options()
    recipe = RECIPES[options.dataset, options.model]
    recipe = dataclasses.replace(recipe, batch_size=options.batch_size or recipe.batch_size)
    keras.utils.set_random_seed(0)
    with contextlib.ExitStack() as stack:
        if options.fast:
            import tensorflow_datasets as tfds

            recipe = dataclasses.replace(
                recipe, levels=2, steps=1, filters=8, batch_size=4, warmup=min(recipe.warmup, 2)
            )
            options.draws = 2
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            options.data_dir = options.data_dir or folder
            options.output = options.output or pathlib.Path(folder)
            stack.enter_context(tfds.testing.mock_data(num_examples=12))
        options.output.mkdir(parents=True, exist_ok=True)
        bits, weighted, count = train_and_test(recipe, options, options.output)
    if options.fast:
        print("The data are mocked (random pixels) and the model is tiny: the figure below only shows that it runs.")
    print(f"importance-weighted, {options.draws} draws, first {weighted.count} test images: {weighted} bits/dim")
    print(f"test bits/dim: {bits:.4f} ({count} images; the paper reports {recipe.bits})")


if __name__ == "__main__":
    main()
