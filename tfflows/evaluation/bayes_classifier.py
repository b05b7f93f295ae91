"""Classes by Bayes' rule from a class-conditional density, calibrated, with the option to reject."""

import numpy as np
import scipy.optimize
import scipy.special

from tfflows.arguments import check_integer, check_positive
from tfflows.evaluation import draws
from tfflows.evaluation.likelihood import checked_shape, default_batch_size
from tfflows.ops import numerics

REJECTED = -1


class BayesClassifier:
    """`p(y | x)` of any class-conditional density `p(x | y)`, with scikit-learn's methods.

        p(y | x) = softmax_y(log p(x | y) / T + log p(y))          log p(x) = logsumexp_y(log p(x | y) + log p(y))

    Densities of many entries are far too sure of themselves: `calibrate(x, y)` sets `T` by data that the model has not
    seen. An `x` of low `p(x)` is like nothing the model knows, and `p(y | x)` says nothing of it: `predict` rejects it.

    Args:
      model: anything with `log_prob(x, context)`, nats `[n]` of examples `[n, *event_shape]` and labels `[n]`: a
        class-conditional flow, `SemiSupervisedFlow`, `ClassGaussians`. Its `log_prob_by_class(x)`, `[n, num_classes]`,
        is asked where there is one.
      num_classes: int; `None` for the model's `num_classes`.
      prior: floats `[num_classes]`, `p(y)`; `None` for the `prior` of the model, or all alike.
      temperature: float > 0, `T`.
      num_draws: int, draws of the noise of a flow over integers, over which probabilities are averaged:
        `log p(x | y)` is then the log of the mean of the draws' densities; every class gets the same noise.
      seed: int, of the noise.

    Raises:
      TypeError: a model without `log_prob`.
      ValueError: no number of classes, a prior of another shape, not positive or without the sum 1; from the methods no
        examples, log-probabilities of another shape, or that are NaN (how many, where first), or -inf of all classes.

    Example:

    >>> import numpy as np
    >>> from tfflows import datasets, evaluation
    >>> wine = datasets.wine()
    >>> classifier = evaluation.BayesClassifier(evaluation.ClassGaussians(wine.train, wine.context_train))
    >>> classifier.score(wine.test, wine.context_test) > 0.8
    True
    >>> least = classifier.log_density_at(wine.validation, rate=0.1)  # below it, a tenth of known data are
    >>> classifier.predict(wine.test[:1] + 1e4, reject_below=least).tolist()
    [-1]

    References:
      Guo, Pleiss, Sun, Weinberger. On calibration of modern neural networks. ICML 2017, arXiv 1706.04599, section 4.2
      (temperature).
    """

    def __init__(self, model, *, num_classes=None, prior=None, temperature=1.0, num_draws=1, seed=0):
        if not callable(getattr(model, "log_prob", None)):
            raise TypeError(f"`model` must have `log_prob(x, context)`. Received: {type(model).__name__}")
        num_classes = getattr(model, "num_classes", None) if num_classes is None else num_classes
        check_integer(2, num_classes=num_classes)
        check_integer(num_draws=num_draws)
        check_positive(temperature=temperature)
        prior = numerics.class_prior(getattr(model, "prior", None) if prior is None else prior, num_classes)
        self.model, self.log_prior, self.temperature = model, np.log(prior), float(temperature)
        self.num_draws, self.seed, self.classes_ = num_draws, seed, np.arange(num_classes)

    def class_log_probs(self, x):
        """`log p(x | y)` of examples `[n, *event_shape]` under every class: float64 `[n, num_classes]`."""
        x = np.asarray(x)
        if x.ndim < 2 or not len(x):
            raise ValueError(f"`x` must be examples [n, ...], at least one. Received: shape {x.shape}")
        draws.check_finite(x, "`x`")
        size, parts = default_batch_size(x.shape[1:]), []
        for i, start in enumerate(range(0, len(x), size)):
            parts.append(self._of_batch(x[start : start + size], i))
        found = np.concatenate(parts)
        bad = np.isnan(found).any(axis=1) | np.isposinf(found).any(axis=1) | np.isneginf(found).all(axis=1)
        if bad.any():
            first = int(np.argmax(bad))
            raise ValueError(
                "Log-probabilities must be numbers, and those of one class at least finite. Received: "
                f"{int(bad.sum())} of {len(x)} examples without, the first number {first}, {found[first].tolist()}"
            )
        return found

    def _of_batch(self, x, number):
        draws_noise = getattr(self.model, "dequantization", None) is not None
        by_class = getattr(self.model, "log_prob_by_class", None)
        found = np.empty([self.num_draws if draws_noise else 1, len(x), len(self.classes_)])
        for k in range(len(found)):
            seed = int(np.random.default_rng([self.seed, number, k]).integers(2**31))
            options = {"seed": seed} if draws_noise else {}
            if by_class is not None:
                found[k] = checked_shape(by_class(x, **options), found.shape[1:])
                continue
            for label in self.classes_:
                answer = self.model.log_prob(x, np.full(len(x), label, np.int32), **options)
                found[k, :, label] = checked_shape(answer, (len(x),))
        return scipy.special.logsumexp(found, axis=0) - np.log(len(found))

    def log_density(self, x):
        """`log p(x)`, nats `[n]`, at temperature 1."""
        return scipy.special.logsumexp(self.class_log_probs(x) + self.log_prior, axis=1)

    def predict_log_proba(self, x):
        """`log p(y | x)`, `[n, num_classes]`."""
        return self._log_proba(self.class_log_probs(x), self.temperature)

    def predict_proba(self, x):
        """`p(y | x)`, `[n, num_classes]`."""
        return np.exp(self.predict_log_proba(x))

    def predict(self, x, *, reject_below=None):
        """The most likely classes, `[n]`; -1 for examples whose `log p(x)` is below `reject_below`, nats."""
        by_class = self.class_log_probs(x)
        found = self._log_proba(by_class, self.temperature).argmax(axis=1)
        if reject_below is None:
            return found
        return np.where(scipy.special.logsumexp(by_class + self.log_prior, axis=1) < reject_below, REJECTED, found)

    def score(self, x, y):
        """Share of examples whose label is the most likely class."""
        x, y = draws.labelled(x, y)
        return float((self.predict(x) == y).mean())

    def log_density_at(self, x, *, rate):
        """The `log p(x)` below which a share `rate`, in [0, 1], of known examples is: for `reject_below`."""
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must be between 0 and 1. Received: {rate}")
        return float(np.quantile(self.log_density(x), rate))

    def calibrate(self, x, y):
        """Sets the temperature to that of the best likelihood of labels `[n]` that the model was not trained on.

        Returns:
          This classifier.
        """
        x, y = draws.labelled(x, y)
        if y.min() < 0 or y.max() >= len(self.classes_):
            raise ValueError(
                f"Labels must be from 0 to {len(self.classes_) - 1}. Received: values {y.min()} to {y.max()}"
            )
        by_class = self.class_log_probs(x)
        never = np.isneginf(by_class[np.arange(len(y)), y])
        if never.any():
            raise ValueError(
                "Examples must be possible given their labels. Received: "
                f"{int(never.sum())} of {len(y)} that are not, the first number {int(never.argmax())}"
            )

        def loss(log_temperature):
            return -self._log_proba(by_class, np.exp(log_temperature))[np.arange(len(y)), y].mean()

        found = scipy.optimize.minimize_scalar(loss, bounds=(np.log(1e-2), np.log(1e4)), method="bounded")
        self.temperature = float(np.exp(found.x))
        return self

    def _log_proba(self, by_class, temperature):
        return scipy.special.log_softmax(by_class / temperature + self.log_prior, axis=1)
