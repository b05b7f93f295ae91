"""Handwritten digits from 5 or 10 labels a class: a flow that learns from the rows without a label too (FlowGMM).

python examples/few_labels.py [--labels 5 10] [--seeds 3] [--fast] [--figure reliability.png]

`models.SemiSupervisedFlow` around a small RealNVP, whose training images have Gaussian noise, is trained on all 1,437
images, few of them labelled; and the same network on the labelled ones alone. Both keep the epoch of the best accuracy
on 180 validation images. Beside them: scikit-learn's logistic regression on the labels alone and label spreading on all
rows; and its support vector machine on the labels alone, and on these and as many samples of the flow as there are
images: generated data as augmentation. Accuracies are of 180 test images.
"""

import argparse
import pathlib

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

from tfflows import datasets, evaluation, layers, models, plotting

NOISE = 0.06  # standard deviation, where all 17 levels span 1
LABELLED_WEIGHT = 10.0  # of the loss of a labelled row, beside 1 of one without
COLUMNS = ("flow, all rows", "flow, labels alone", "spreading", "logistic", "SVM", "SVM and samples", "ECE, calibrated")


def few(labels, per_class, seed):
    """The labels with -1 in the place of all but so many of each class."""
    rng, kept = np.random.default_rng(seed), np.full(len(labels), -1, "int32")
    for k in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == k))[:per_class]
        kept[rows] = k
    return kept


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch whose Bayes classifier is right most often on validation images."""

    def __init__(self, x, y):
        super().__init__()
        self.data, self.best = (x, y), -1.0

    def on_epoch_end(self, epoch, logs=None):
        if epoch < 10 or (epoch + 1) % 5 == 0:  # labels alone are learned by heart soon
            accuracy = evaluation.BayesClassifier(self.model).score(*self.data)
            if accuracy > self.best:
                self.best, self.weights = accuracy, self.model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights)


def trained(x, labels, validation, options):
    """A flow trained on images and labels, -1 for none; few rows are repeated, to epochs of ten steps."""
    noise = layers.GaussianAugmentation(17, scale=NOISE, seed=0)
    size = {"num_layers": 2, "hidden_units": (8,)} if options.fast else {"num_layers": 4, "hidden_units": (64,)}
    flow = models.SemiSupervisedFlow(models.RealNVP((64,), dequantization=noise, seed=0, **size), num_classes=10)
    repeats = max(1, 640 // len(x))
    x, labels = np.tile(x, (repeats, 1)), np.tile(labels, repeats)
    steps = options.epochs * -(-len(x) // 64)
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps), global_clipnorm=1.0))
    weights = np.where(labels >= 0, LABELLED_WEIGHT, 1.0)
    best = KeepBest(*validation)
    flow.fit(
        x, labels, sample_weight=weights / weights.mean(), batch_size=64, epochs=options.epochs, callbacks=[best],
        verbose=0,
    )  # fmt: skip
    return flow


def compared(per_class, seed, options):
    """Accuracies of one choice of labels, and the reliability of the flow's calibrated probabilities."""
    data = datasets.digits(seed=seed)
    x, test, truth = data.train, data.test, data.context_test
    validation = data.validation, data.context_validation
    labels = few(data.context_train, per_class, seed)
    known = labels >= 0
    keras.utils.set_random_seed(seed)
    flow = trained(x, labels, validation, options)
    alone = trained(x[known], labels[known], validation, options)
    drawn = np.arange(len(x), dtype="int32") % 10
    samples = np.asarray(flow.sample(len(drawn), context=drawn, seed=seed))
    together = np.concatenate([x[known], samples]), np.concatenate([labels[known], drawn])
    machine, draws = SVC(gamma=1e-3, C=10), 1 if options.fast else 8
    classifier = evaluation.BayesClassifier(flow, num_draws=draws).calibrate(*validation)
    found = evaluation.reliability(classifier.predict_proba(test), truth)
    row = [
        classifier.score(test, truth),
        evaluation.BayesClassifier(alone, num_draws=draws).score(test, truth),
        LabelSpreading(kernel="knn", n_neighbors=7).fit(x, labels).score(test, truth),
        LogisticRegression(max_iter=1000).fit(x[known], labels[known]).score(test, truth),
        evaluation.classifier_accuracy((x[known], labels[known]), (test, truth), classifier=machine).top_1,
        evaluation.classifier_accuracy(together, (test, truth), classifier=machine).top_1,
        found.expected_calibration_error,
    ]
    return row, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 10], help="of each class (default 5 and 10)")
    parser.add_argument("--seeds", type=int, default=3, help="of the split, the labels and the weights (default 3)")
    parser.add_argument("--epochs", type=int, default=60, help="default 60")
    parser.add_argument("--figure", type=pathlib.Path, help="where to write a reliability diagram (default: nowhere)")
    parser.add_argument("--fast", action="store_true", help="a small flow, two epochs, one seed")
    options = parser.parse_args()
    if options.fast:
        options.labels, options.seeds, options.epochs = options.labels[:1], 1, 2

    print("labels | seed | " + " | ".join(COLUMNS))
    for per_class in options.labels:
        rows = []
        for seed in range(options.seeds):
            row, found = compared(per_class, seed, options)
            rows.append(row)
            print(f"{per_class:>6} | {seed:>4} | " + " | ".join(f"{a:>{len(c)}.3f}" for a, c in zip(row, COLUMNS)))
        means = zip(np.mean(rows, axis=0), COLUMNS)
        print(f"{per_class:>6} | mean | " + " | ".join(f"{a:>{len(c)}.3f}" for a, c in means), flush=True)
    if options.figure:
        title = f"SemiSupervisedFlow, {options.labels[-1]} labels a class, calibrated"
        bars = found.edges, found.confidences, found.accuracies, found.counts
        plotting.reliability_figure(*bars, title=title).savefig(options.figure)
    gains = [100 * (row[0] - row[1]) for row in rows]
    print(f"gain of the rows without a label, {per_class} labels a class: {np.mean(gains):.1f} points")


if __name__ == "__main__":
    main()
