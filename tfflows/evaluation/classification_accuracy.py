"""Classification Accuracy Score: what a classifier learns of real data from samples of a class-conditional model."""

import dataclasses

import numpy as np

from tfflows.evaluation import draws


@dataclasses.dataclass(frozen=True, eq=False)
class Accuracy:
    """How often a classifier is right on data that it was not trained on.

    Attributes:
      top_1: float, share of examples whose label is the most likely class.
      top_5: float, share whose label is among the five most likely; `None` of a classifier that only names one class,
        or that knows fewer than six.
      standard_error: float, of `top_1`: `sqrt(top_1 (1 - top_1) / count)`.
      by_class: dict from each label of the data to the share of its examples that are found.
      count: int, examples.
    """

    top_1: float
    top_5: float | None
    standard_error: float
    by_class: dict
    count: int

    def __str__(self):
        return f"{self.top_1:.4f} ± {self.standard_error:.4f}"


def classification_accuracy_score(model, x, y, *, labels, classifier, seed=0, batch_size=1000, **fit_options):
    """The Classification Accuracy Score: a classifier trained on samples alone, tested on real data.

    One sample is drawn for each of `labels`, given its label. What the score leaves to the accuracy of the same
    classifier trained on real data (`classifier_accuracy`) the samples lack: classes, variety, detail. Put honest
    baselines beside it, which have the same interface: `ClassGaussians`, `ClassKernels`.

    Args:
      model: anything with `sample(n, context=, seed=)`, a class-conditional flow for instance.
      x, y: real examples `[n, *event_shape]` and their integer labels `[n]`, not used in training the model.
      labels: integers `[m]`, those of the samples: of the real training set as in the paper, or as many as you like.
      classifier: see `classifier_accuracy`.
      seed: int, of the samples.
      batch_size: int, samples drawn at a time.
      **fit_options: see `classifier_accuracy`.

    Returns:
      `Accuracy`.

    Raises:
      TypeError: a model without `sample`.
      ValueError: samples that are not finite or of another shape than `x`; labels of `y` that are not among `labels`.

    Example:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tfflows import datasets, evaluation
    >>> wine = datasets.wine()
    >>> gaussians, labels = evaluation.ClassGaussians(wine.train, wine.context_train), np.repeat(np.arange(3), 100)
    >>> classifier = make_pipeline(StandardScaler(), LogisticRegression())
    >>> score = evaluation.classification_accuracy_score(
    ...     gaussians, wine.test, wine.context_test, labels=labels, classifier=classifier
    ... )
    >>> score.top_1 > 0.8, score.count
    (True, 18)

    References:
      Ravuri, Vinyals. Classification accuracy score for conditional generative models. NeurIPS 2019, arXiv 1905.10887,
      section 3.
    """
    (x, y), labels = draws.labelled(x, y, what="test"), np.asarray(labels)  # before anything is drawn
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu":
        raise ValueError(f"`labels` must be integers [m]. Received: shape {labels.shape}, dtype {labels.dtype}")
    _check_seen(labels, y)
    samples = draws.drawn(model, len(labels), labels=labels, seed=seed, batch_size=batch_size)
    return classifier_accuracy((samples, labels), (x, y), classifier=classifier, **fit_options)


def classifier_accuracy(train, test, *, classifier, **fit_options):
    """Accuracy on one labelled set of a classifier trained on another: samples, real data, or both together.

    Args:
      train, test: pairs of examples `[n, *event_shape]` and their integer labels `[n]`.
      classifier: scikit-learn classifier, which is cloned and gets examples as vectors; or a function of nothing that
        makes a compiled Keras model, whose loss takes integer labels, from examples to scores `[n, classes]`.
      **fit_options: of the Keras model's `fit`, such as `epochs`.

    Returns:
      `Accuracy`.

    Raises:
      TypeError: labels that are not integers, a classifier that is neither.
      ValueError: sets that are empty, of unlike shapes, not finite or without a label each; labels of the test set that
        the training set has not; a Keras model with fewer scores than classes.
    """
    (x, y), (new, truth) = (draws.labelled(*each, what=what) for each, what in ((train, "train"), (test, "test")))
    if x.shape[1:] != new.shape[1:]:
        raise ValueError(
            f"Both sets must hold examples of one shape. Received: {x.shape[1:]} to train and {new.shape[1:]} to test"
        )
    _check_seen(y, truth)
    answer = _estimator_scores if hasattr(classifier, "get_params") else _keras_scores
    classes, scores, found = answer(classifier, x, y, new, fit_options)
    right, top_5 = found == truth, None
    if scores is not None and len(classes) > 5:
        best = classes[np.argsort(-scores, axis=1, kind="stable")[:, :5]]
        top_5 = float((best == truth[:, None]).any(axis=1).mean())
    top_1 = float(right.mean())
    by_class = {int(k): float(right[truth == k].mean()) for k in np.unique(truth)}
    return Accuracy(top_1, top_5, float(np.sqrt(top_1 * (1 - top_1) / len(new))), by_class, len(new))


def _estimator_scores(classifier, x, y, new, fit_options):
    """Classes, scores or `None`, and answers of a scikit-learn classifier."""
    import sklearn.base

    if fit_options:
        raise TypeError(f"Options of `fit` are of Keras models. Received: {', '.join(fit_options)}")
    fitted = sklearn.base.clone(classifier).fit(x.reshape(len(x), -1), y)
    new, scores = new.reshape(len(new), -1), None
    for method in ("predict_proba", "decision_function"):
        if scores is None and hasattr(fitted, method):
            scores = getattr(fitted, method)(new)
    ranked = scores is not None and scores.shape == (len(new), len(fitted.classes_))
    return fitted.classes_, scores if ranked else None, fitted.predict(new)


def _keras_scores(make, x, y, new, fit_options):
    """Classes, scores and answers of a Keras model: class `k` is its score number `k`."""
    model = make() if callable(make) and not hasattr(make, "fit") else None
    if not hasattr(model, "fit") or not hasattr(model, "predict"):
        raise TypeError(
            "`classifier` must be a scikit-learn classifier or a function that makes a compiled Keras model. "
            f"Received: {make!r}, which is or makes none"
        )
    model.fit(x, y, **{"verbose": 0, **fit_options})
    scores = np.asarray(model.predict(new, verbose=0))
    if scores.ndim != 2 or scores.shape[1] <= y.max():
        raise ValueError(f"The classifier must give {y.max() + 1} scores or more. Received: shape {scores.shape}")
    draws.check_finite(scores, "The classifier's scores")
    return np.arange(scores.shape[1]), scores, scores.argmax(axis=1)


def _check_seen(labels, truth):
    missing = sorted(set(np.unique(truth).tolist()) - set(np.unique(labels).tolist()))
    if missing:
        raise ValueError(
            f"The classifier must see every class that it is tested on. Received: labels {missing} in the test alone"
        )
