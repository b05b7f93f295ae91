"""Do flows know what they do not know? A Glow is trained on one set of images and asked about others.

python examples/out_of_distribution.py [--pair patches | cifar10-svhn | fashion_mnist-mnist] [--fast]

Trains an ensemble of small Glows and one of the background, prints the bits per dimension of all sets and a table of
AUROC, AUPR and false-positive rate at 95 % recall by set and score, each with its 95 % bootstrap interval, and writes
histograms of the bits per dimension and ROC curves. The default pair needs no download: grey patches of photographs
against crops of other pictures that come with scikit-image and scikit-learn; its images of one photograph are no
independent sample, so intervals are too narrow for photographs at large. The others are read by TensorFlow Datasets,
mocked (random pixels) with --fast.
"""

import argparse
import contextlib
import dataclasses
import math
import pathlib
import tempfile
import time

import keras
import numpy as np

from tfflows import datasets, evaluation, models, plotting
from tfflows.evaluation import scores

CROPS = ("moon", "retina", "cells", "stars", "coins", "text", "textures", "faces", "digits")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How large a Glow is, and how long it trains."""

    num_levels: int
    steps_per_level: int
    filters: int
    steps: int
    batch_size: int = 64


SMALL = Recipe(2, 4, 32, steps=750)  # half a minute on two cores
PAIRS = {  # what is trained on, what it is asked about, recipe
    "patches": ("natural_patches", CROPS, SMALL),
    "cifar10-svhn": ("cifar10", ("svhn_cropped",), Recipe(3, 8, 128, steps=20_000)),
    "fashion_mnist-mnist": ("fashion_mnist", ("mnist",), Recipe(2, 8, 64, steps=10_000)),
}
FAST = Recipe(1, 1, 4, steps=2, batch_size=8)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", default="patches", choices=PAIRS, help="default patches")
    parser.add_argument("--steps", type=int, help="optimizer steps of each flow (default: by pair)")
    parser.add_argument("--ensemble", type=int, default=3, help="flows of different seeds, for WAIC (default 3)")
    parser.add_argument("--num-test", type=int, default=1000, help="images of each set (default 1000)")
    parser.add_argument("--group", type=int, default=10, help="images that typicality judges together (default 10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", help="of TensorFlow Datasets")
    parser.add_argument("--output", type=pathlib.Path, help="folder (default runs/out-of-distribution-PAIR)")
    parser.add_argument("--fast", action="store_true", help="tiny flows, a few images; writes nothing without --output")
    options = parser.parse_args()
    if options.ensemble < 2 or options.num_test < 2 * options.group:
        parser.error(f"two flows and two groups. Received: {options.ensemble} flows, {options.num_test} images")
    if options.output is None and not options.fast:
        options.output = pathlib.Path("runs") / f"out-of-distribution-{options.pair}"
    return options


def load(pair, num_test, data_dir=None, seed=0):
    """Images that are trained on, `train`, `validation` and `test`, and a dict of the others."""
    name, others, _ = PAIRS[pair]
    if pair == "patches":
        known = datasets.natural_patches(channels=1, patch_size=16, stride=8, seed=seed)
        others = {each: datasets.image_crops(each, num_crops=num_test, seed=seed) for each in others}
    else:
        held_out = {"num_validation": num_test} if num_test < 5_000 else {}
        known = datasets.tfds_images(name, data_dir=data_dir, **held_out).in_memory()
        streams = [datasets.tfds_images(each, data_dir=data_dir, num_validation=0) for each in others]
        others = {each.name: first(each.test, num_test) for each in streams}
    return known.train, known.validation[:num_test], known.test[:num_test], others


def first(examples, count):
    """The images of the first examples of a labelled split."""
    return np.stack([image for image, _ in examples.take(count).as_numpy_iterator()])


def trained(images, recipe, seed):
    """A Glow of these images."""
    keras.utils.set_random_seed(seed)
    sizes = {"num_levels": recipe.num_levels, "steps_per_level": recipe.steps_per_level}
    flow = models.Glow(images.shape[1:], **sizes, hidden_filters=recipe.filters, whiten=True, seed=seed)
    warm_up = min(100, recipe.steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(0.0, recipe.steps - warm_up, warmup_target=1e-3, warmup_steps=warm_up)
    flow.compile(keras.optimizers.Adam(rate, global_clipnorm=100.0))
    per_epoch = max(1, len(images) // recipe.batch_size)
    left, started = recipe.steps, time.perf_counter()
    while left > 0:  # epochs of whole batches, the last one shorter
        count = min(left, per_epoch)
        order = np.random.default_rng([seed, left]).permutation(len(images))[: count * recipe.batch_size]
        flow.fit(images[order], batch_size=recipe.batch_size, verbose=0)
        left -= count
    return flow, time.perf_counter() - started


def fitted_scores(flows, background, validation, group):
    """Every score, fitted: of the first flow, WAIC of all."""
    single = {
        "likelihood": scores.Likelihood(),
        "typicality": scores.Typicality(),
        f"typicality of {group}": scores.Typicality(group_size=group),
        "likelihood ratio": scores.LikelihoodRatio(background=background),
        "complexity (PNG)": scores.InputComplexity(codec="png"),
        "complexity (WebP)": scores.InputComplexity(codec="webp"),
        "DoSE": scores.SummaryStatistics(),
        "gradient norm": scores.GradientNorm(),
    }
    fitted = {name: score.fit(flows[0], validation) for name, score in single.items()}
    return fitted | {"WAIC": scores.WAIC().fit(flows, validation)}


def scored(score, images):
    """Scores of images; those that fill no group are left out."""
    size = getattr(score, "group_size", 1)
    return score.score(images[: len(images) // size * size])


def bits(flow, images):
    """Bits per dimension of each image, an upper bound from one draw of noise."""
    return scores.Likelihood().fit(flow, images).score(images) / (math.prod(images.shape[1:]) * math.log(2))


def run(options, recipe):
    train, validation, test, others = load(options.pair, options.num_test, options.data_dir, options.seed)
    if options.fast:
        others = dict(list(others.items())[:1])
    print(
        f"{options.pair}: {len(train):,} images of {train.shape[1:]} to train on, {recipe.steps:,} steps of each flow"
    )
    seeds = range(options.seed, options.seed + options.ensemble)
    flows, seconds = zip(*(trained(train, recipe, seed) for seed in seeds))
    background, more = trained(scores.mutated(train, seed=options.seed), recipe, options.seed)
    print(f"{options.ensemble} flows and one of the background: {sum(seconds) + more:.0f} seconds\n")

    print("bits per dimension, and their 95 % interval")
    sets = {"train": train[: options.num_test], "test": test, **others}
    found = {name: bits(flows[0], images) for name, images in sets.items()}
    for name, values in found.items():
        print(f"{name:14} {evaluation.likelihood.estimate(values).interval()}")

    fitted = fitted_scores(flows, background, validation, options.group)
    inside = {name: scored(score, test) for name, score in fitted.items()}
    print(f"\n{'set':13} {'score':17} {'AUROC':>24} {'AUPR':>24} {'FPR95':>24}")
    area, curves = {}, {}
    for other, images in others.items():
        for name, score in fitted.items():
            outside = scored(score, images)
            each = evaluation.detection(inside[name], outside, seed=options.seed)
            curves.setdefault(other, {})[name] = evaluation.roc_curve(inside[name], outside)
            area[other, name] = each.auroc.value
            print(f"{other:13} {name:17} {each.auroc!s:>24} {each.aupr!s:>24} {each.fpr95!s:>24}", flush=True)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        known = {name: found.pop(name) for name in ("train", "test")}
        plotting.likelihood_histograms_figure(known, found).savefig(options.output / "bits_per_dim.png")
        plotting.roc_figure(curves).savefig(options.output / "roc.png")
        print(f"\nfigures: {options.output}")
    return area, list(others), list(fitted)


def main():
    options = parse_options()
    recipe = PAIRS[options.pair][2]
    with contextlib.ExitStack() as stack:
        if options.fast:
            recipe, options.ensemble, options.num_test, options.group = FAST, 2, 12, 2
            if options.pair != "patches":
                import tensorflow_datasets as tfds

                options.data_dir = options.data_dir or stack.enter_context(tempfile.TemporaryDirectory())
                stack.enter_context(tfds.testing.mock_data(num_examples=40))
        recipe = dataclasses.replace(recipe, steps=options.steps or recipe.steps)
        area, others, names = run(options, recipe)
    groups = f"typicality of {options.group}"
    single = [name for name in names if name not in ("likelihood", groups)]
    print(f"\nAUROC of the likelihood; of the best other score of single images (chosen after seeing it); {groups}:")
    for other in others:
        best = max(single, key=lambda name: area[other, name])
        text = f"{area[other, 'likelihood']:.4f}; {best} {area[other, best]:.4f}; {area[other, groups]:.4f}"
        print(f"{other:13} {text}")


if __name__ == "__main__":
    main()
