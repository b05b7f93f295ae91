"""What a classifier learns of real images from samples of a flow alone: the Classification Accuracy Score.

python examples/classification_accuracy_score.py [--seeds 3] [--fast] [--figure samples.png]
python examples/classification_accuracy_score.py --dataset cifar10 [--epochs 200] [--data-dir DIR] [--fast]

Handwritten digits (the default): a class-conditional RealNVP, trained on images with Gaussian noise, beside a Gaussian
per class and a kernel density per class. From each 3,000 samples train scikit-learn's support vector machine and extra
trees, which are tested on 539 real images; and so do the 1,078 real images that the densities were fitted to. Last
in the table is what the flow's samples are worth beside the real images, as augmentation. How far samples are from the
nearest training image, beside new images, tells copies.

cifar10: a class-conditional Glow, with the paper's classifier in small, a residual network, on images of TensorFlow
Datasets, for whoever has a GPU: not measured here. With --fast the data are random pixels (mocked).
"""

import argparse
import contextlib
import pathlib

import keras
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.svm import SVC

from tfflows import datasets, evaluation, layers, models, plotting

NOISE = 0.12  # standard deviation, where all 17 levels span 1; two levels, as the bandwidth of the kernel densities
FRACTIONS = (0.6, 0.1, 0.3)


def digits_flow(data, seed, options):
    """A class-conditional flow of noisy digits, and its negative log-likelihood of noisy validation images."""
    size = {"num_layers": 2, "hidden_units": (8,)} if options.fast else {"num_layers": 8, "hidden_units": (128,)}
    noise = layers.GaussianAugmentation(17, scale=NOISE, seed=seed)
    flow = models.RealNVP((64,), num_classes=10, dequantization=noise, seed=seed, **size)
    epochs = options.epochs or (2 if options.fast else 60)
    steps = epochs * -(-len(data.train) // 64)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=1e-3, warmup_steps=steps // 20)
    average = {"use_ema": True, "ema_momentum": 0.98}
    flow.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4, global_clipnorm=1.0, **average))
    flow.fit(data.train, data.context_train, batch_size=64, epochs=epochs, verbose=0)
    return flow, flow.evaluate(data.validation, data.context_validation, verbose=0)


class Denoised:
    """A flow of noisy images as a sampler of images without the noise."""

    def __init__(self, flow):
        self.flow = flow

    def sample(self, n, *, context, seed):
        y = self.flow.bijector.forward(self.flow.distribution.distribution.sample(n, seed=[0, seed]), context=context)
        noise = self.flow.dequantization
        return noise.quantized(noise.denoised(y, lambda y: self.flow.log_prob(y, context)))


def digits_scores(seed, options):
    """Accuracies by name of what trained, one for each classifier; the flow and the data."""
    data, labels = datasets.digits(seed=seed, fractions=FRACTIONS), np.arange(300 if options.fast else 3000) % 10
    keras.utils.set_random_seed(seed)
    flow, nats = digits_flow(data, seed, options)
    trees = 20 if options.fast else 300
    classifiers = [SVC(gamma=1e-3, C=10), ExtraTreesClassifier(trees, random_state=0)]
    test, real = (data.test, data.context_test), (data.train, data.context_train)
    fitted = {"levels": 17, "standardize": False}
    densities = {
        "samples of the flow": flow,
        "samples of the flow, denoised": Denoised(flow),
        "samples of a Gaussian per class": evaluation.ClassGaussians(*real, **fitted),
        "samples of a kernel density per class": evaluation.ClassKernels(*real, **fitted),
    }
    print(f"seed {seed}: flow at {nats:.1f} nats, -log p(noisy validation image | class)")
    found, samples, near = {}, {}, {}
    for name, density in densities.items():
        given = {"labels": labels, "seed": seed}
        found[name] = [
            evaluation.classification_accuracy_score(density, *test, classifier=each, **given) for each in classifiers
        ]
        samples[name] = np.asarray(density.sample(len(labels), context=labels, seed=seed))
        near[name] = evaluation.memorisation(samples[name], data.train, data.test).ratio
        print(f"  {name}: {near[name]:.3f} times as far from the nearest training image as test images", flush=True)
    found["real images"] = [evaluation.classifier_accuracy(real, test, classifier=each) for each in classifiers]
    samples = samples["samples of the flow"]
    both = np.concatenate([data.train, samples]), np.concatenate([data.context_train, labels])
    found["real images and samples"] = [evaluation.classifier_accuracy(both, test, classifier=c) for c in classifiers]
    return found, near, samples, data


def digits(options):
    tables, ratios = [], []
    for seed in range(options.seeds):
        found, near, samples, data = digits_scores(seed, options)
        tables.append(found)
        ratios.append(near)
    print(f"{'trained on':<38} | " + " | ".join(f"{name:<32}" for name in ("support vectors", "extra trees")))
    print(f"{'':<38} | " + " | ".join(f"{'top-1: mean, by seed':<24} {'top-5':>7}" for _ in range(2)))
    for name in tables[0]:
        cells = []
        for i in range(2):
            top_1, top_5 = ([getattr(each[name][i], top) for each in tables] for top in ("top_1", "top_5"))
            seeds = " ".join(f"{each:.3f}" for each in top_1)
            cells.append(f"{np.mean(top_1):.3f}: {seeds:<17} {np.mean(top_5):>7.4f}")
        print(f"{name:<38} | " + " | ".join(f"{cell:<32}" for cell in cells))
    for name in ratios[0]:
        ratio = np.mean([each[name] for each in ratios])
        print(f"{name}: {ratio:.2f} times as far from the nearest training image as test images, mean of the seeds")
    if options.figure:
        by_class = [np.flatnonzero(data.context_train == k)[:4] for k in range(10)]
        rows = np.stack(by_class, axis=1).ravel()  # a column a class, as the samples are
        pictures = {"image_shape": (8, 8), "levels": 17, "columns": 10, "labels": range(10)}
        plotting.images_figure(data.train[rows], samples, **pictures).savefig(options.figure)
    flow = np.mean([each["samples of the flow"][0].top_1 for each in tables])
    print(f"Classification Accuracy Score of the flow, support vector machine, {options.seeds} seeds: {flow:.4f}")


def residual_network(image_shape, num_classes, filters=(16, 32, 64), blocks=3):
    """The residual network of 20 layers of He et al. (2016, section 4.2) for small images, compiled."""
    x = inputs = keras.Input(image_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = keras.layers.Conv2D(filters[0], 3, padding="same", use_bias=False)(x)
    for level, width in enumerate(filters):
        for block in range(blocks):
            strides = 2 if level and not block else 1
            h = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
            short = keras.layers.Conv2D(width, 1, strides=strides)(h) if strides == 2 else x
            h = keras.layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False)(h)
            h = keras.layers.ReLU()(keras.layers.BatchNormalization()(h))
            x = short + keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(h)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(keras.layers.BatchNormalization()(x)))
    model = keras.Model(inputs, keras.layers.Dense(num_classes)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3), loss=loss, metrics=["accuracy"])
    return model


def read(data, split):
    """The images and labels of a split, in memory."""
    batches = data.batches(split, batch_size=500, seed=0, with_context=True, shuffle=False, dequantize=False)
    images, labels = zip(*((np.asarray(x), np.asarray(y)) for x, y in batches))
    return np.concatenate(images), np.concatenate(labels)


def cifar10(options):
    data = datasets.tfds_images("cifar10", data_dir=options.data_dir, num_validation=0)
    real, test = read(data, "train"), read(data, "test")
    size = {"num_levels": 2, "steps_per_level": 1, "hidden_filters": 4} if options.fast else {"steps_per_level": 16}
    flow = models.Glow(data.image_shape, num_classes=10, seed=0, **size)
    flow.compile(keras.optimizers.Adam(1e-3, use_ema=True, global_clipnorm=1.0))
    flow.fit(*real, batch_size=64, epochs=options.epochs or (1 if options.fast else 200), verbose=2)
    small = {"filters": (4, 4), "blocks": 1} if options.fast else {}
    network = lambda: residual_network(data.image_shape, 10, **small)  # noqa: E731
    training = {"classifier": network, "epochs": 1 if options.fast else 100, "batch_size": 128}
    labels = np.arange(20) % 10 if options.fast else real[1]
    score = evaluation.classification_accuracy_score(flow, *test, labels=labels, batch_size=250, **training)
    on_real = evaluation.classifier_accuracy(real, test, **training)
    print(f"residual network, real images: top-1 {on_real}, top-5 {on_real.top_5:.4f}")
    print(f"residual network, samples of Glow: top-1 {score}, top-5 {score.top_5:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="digits", choices=("digits", "cifar10"))
    parser.add_argument("--seeds", type=int, default=3, help="of the split, the flow and the samples (default 3)")
    parser.add_argument("--epochs", type=int, help="of the flow (default 60, of cifar10 200)")
    parser.add_argument("--data-dir", help="of TensorFlow Datasets")
    parser.add_argument("--figure", type=pathlib.Path, help="where to write digits and samples (default: nowhere)")
    parser.add_argument("--fast", action="store_true", help="a small flow, two epochs, one seed; cifar10 mocked")
    options = parser.parse_args()
    options.seeds = 1 if options.fast else options.seeds
    keras.utils.set_random_seed(0)
    if options.dataset == "digits":
        return digits(options)
    with contextlib.ExitStack() as stack:
        if options.fast:
            import tensorflow_datasets as tfds

            print("The data are mocked (random pixels) and the models are tiny: the figures only show that it runs.")
            stack.enter_context(tfds.testing.mock_data(num_examples=60))
        cifar10(options)


if __name__ == "__main__":
    main()
