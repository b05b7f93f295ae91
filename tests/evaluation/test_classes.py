"""Class-conditional densities as classifiers and as sources of training data."""

import keras
import numpy as np
import pytest
import scipy.stats
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, top_k_accuracy_score
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.svm import LinearSVC

from tfflows import datasets, evaluation, plotting
from tfflows.evaluation import BayesClassifier, ClassGaussians, ClassKernels

WINE = datasets.wine()


class Gaussians:
    """`N(m_k, I)` in the plane, each entry of the class means `spread * (k, -k)`."""

    num_classes = 7

    def __init__(self, spread=1.0, factor=1.0):
        self.spread, self.factor = spread, factor

    def means(self, labels):
        return self.spread * np.stack([labels, -labels], axis=-1)

    def log_prob(self, x, context):
        return self.factor * (-0.5 * ((x - self.means(context)) ** 2).sum(-1) - np.log(2 * np.pi))

    def sample(self, n, *, context, seed):
        return np.random.default_rng(seed).normal(size=(n, 2)) + self.means(context)


def labelled(n=700, seed=0):
    y = np.arange(n) % 7
    return Gaussians().sample(n, context=y, seed=seed), y


def test_bayes_rule_is_linear_discriminant_analysis_where_it_should_be():
    x, y = labelled()
    classifier = BayesClassifier(Gaussians())
    right = LinearDiscriminantAnalysis(priors=np.full(7, 1 / 7)).fit(*labelled(70_000, seed=1))
    np.testing.assert_allclose(classifier.predict_proba(x), right.predict_proba(x), atol=0.03)
    by_hand = np.exp([[Gaussians().log_prob(a, np.array(k)) for k in range(7)] for a in x])
    np.testing.assert_allclose(classifier.predict_proba(x), by_hand / by_hand.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(classifier.log_density(x), np.log(by_hand.mean(1)), rtol=1e-12)
    assert classifier.score(x, y) == np.mean(by_hand.argmax(1) == y)
    skewed = BayesClassifier(Gaussians(), prior=np.arange(1, 8) / 28)
    weighted = by_hand * np.arange(1, 8)
    np.testing.assert_allclose(skewed.predict_proba(x), weighted / weighted.sum(1, keepdims=True), atol=1e-12)


def test_calibration_finds_the_temperature_that_was_planted():
    x, y = labelled(7000)
    sure = BayesClassifier(Gaussians(factor=8.0))
    before = evaluation.reliability(sure.predict_proba(x), y)
    assert sure.calibrate(x, y) is sure and sure.temperature == pytest.approx(8.0, rel=0.1)
    after = evaluation.reliability(sure.predict_proba(x), y)
    assert after.expected_calibration_error < 0.03 < before.expected_calibration_error
    assert after.negative_log_likelihood < before.negative_log_likelihood
    assert after.negative_log_likelihood == pytest.approx(log_loss(y, sure.predict_proba(x)))


def test_reject_option_rejects_so_many_of_known_data_and_all_that_is_far():
    x, _ = labelled()
    classifier = BayesClassifier(Gaussians())
    least = classifier.log_density_at(x, rate=0.1)
    found = classifier.predict(x, reject_below=least)
    assert np.mean(found == -1) == pytest.approx(0.1, abs=0.005)
    np.testing.assert_array_equal(found[found >= 0], classifier.predict(x)[found >= 0])
    assert (classifier.predict(x + 100, reject_below=least) == -1).all()


def test_noise_of_a_flow_is_averaged_and_the_same_for_every_class():
    class Noisy:
        dequantization, num_classes, asked = object(), 2, []

        def log_prob(self, x, context, *, seed):
            self.asked.append((seed, int(context[0])))
            return np.random.default_rng(seed).normal(size=len(x)) + context

    model = Noisy()
    by_class = BayesClassifier(model, num_draws=4).class_log_probs(np.zeros([3, 1]))
    np.testing.assert_allclose(by_class[:, 1] - by_class[:, 0], 1.0)
    assert len(set(model.asked)) == 8 and len({seed for seed, _ in model.asked}) == 4
    noise = [np.random.default_rng(seed).normal(size=3) for seed, label in model.asked if label == 0]
    np.testing.assert_allclose(by_class[:, 0], np.log(np.mean(np.exp(noise), axis=0)))


def test_reliability_by_hand():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], size=400)
    y = rng.integers(3, size=400)
    found = evaluation.reliability(p, y, num_bins=10)
    error, worst = 0.0, 0.0
    for b in range(10):
        rows = [i for i in range(400) if b / 10 < p[i].max() <= (b + 1) / 10]
        assert found.counts[b] == len(rows)
        if rows:
            confidence, accuracy = np.mean(p[rows].max(1)), np.mean(p[rows].argmax(1) == y[rows])
            np.testing.assert_allclose((found.confidences[b], found.accuracies[b]), (confidence, accuracy))
            error, worst = error + len(rows) / 400 * abs(accuracy - confidence), max(worst, abs(accuracy - confidence))
        else:
            assert np.isnan(found.accuracies[b])
    assert found.expected_calibration_error == pytest.approx(error)
    assert found.maximum_calibration_error == pytest.approx(worst)
    right = np.mean([sum((p[i, k] - (k == y[i])) ** 2 for k in range(3)) for i in range(400)])
    assert found.brier_score == pytest.approx(right)
    assert evaluation.reliability([[1.0, 0.0]], [0]).expected_calibration_error == 0


def test_reliability_figure():
    found = evaluation.reliability([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], [0, 1, 1], num_bins=5)
    bars = found.edges, found.confidences, found.accuracies, found.counts
    upper, lower = plotting.reliability_figure(*bars, title="three").axes
    np.testing.assert_allclose([bar.get_height() for bar in upper.patches], [1.0, 0.5])
    np.testing.assert_allclose([bar.get_height() for bar in lower.patches], [1 / 3, 2 / 3])
    with pytest.raises(ValueError, match="Rising edges.*Received: shapes"):
        plotting.reliability_figure(bars[0][1:], *bars[1:])
    with pytest.raises(ValueError, match="0 counted"):
        plotting.reliability_figure(*bars[:3], 0 * found.counts)


def test_gaussians_and_kernels_are_scikit_learn_s():
    x, y, new = WINE.train, WINE.context_train, WINE.test
    plain = ClassGaussians(x, y, standardize=False)
    fitted = LedoitWolf().fit(x[y == 1].astype("float64"))
    right = scipy.stats.multivariate_normal(fitted.location_, fitted.covariance_).logpdf(new)
    np.testing.assert_allclose(plain.log_prob(new, 1), right, rtol=1e-9)
    kernels = ClassKernels(x, y, standardize=False, bandwidths=[30.0])
    right = KernelDensity(bandwidth=30.0).fit(x[y == 2]).score_samples(new)
    np.testing.assert_allclose(kernels.log_prob(new, np.full(len(new), 2)), right, rtol=1e-9)
    for made in (ClassGaussians, ClassKernels):  # in standardised units, the density is still one of the data's
        x = np.random.default_rng(0).normal(size=(400, 1)) * 100.0
        density = made(x, np.zeros(400, int))
        grid = np.linspace(-2000, 2000, 4001)[:, None]
        assert np.exp(density.log_prob(grid, 0)).sum() == pytest.approx(1.0, abs=1e-3)
        draws = density.sample(4000, context=0, seed=0)
        assert abs(draws.mean()) < 10 and draws.std() == pytest.approx(x.std(), rel=0.1)
    assert BayesClassifier(ClassGaussians(WINE.train, WINE.context_train)).score(new, WINE.context_test) > 0.9
    whole = ClassGaussians(3 * labelled()[0], labelled()[1], levels=17).sample(50, context=3, seed=0)
    assert whole.dtype == np.uint8 and whole.max() <= 16


def test_accuracy_of_estimators():
    train, test = labelled(), labelled(seed=1)
    model = LogisticRegression(max_iter=1000).fit(*train)
    found = evaluation.classifier_accuracy(train, test, classifier=LogisticRegression(max_iter=1000))
    assert found.top_1 == model.score(*test) and found.count == 700
    assert found.top_5 == pytest.approx(top_k_accuracy_score(test[1], model.predict_proba(test[0]), k=5))
    assert found.standard_error == pytest.approx(np.sqrt(found.top_1 * (1 - found.top_1) / 700))
    assert found.by_class[3] == np.mean(model.predict(test[0])[test[1] == 3] == 3)
    assert str(found).startswith(f"{found.top_1:.4f}")
    machine = LinearSVC(random_state=0).fit(*train)
    found = evaluation.classifier_accuracy(train, test, classifier=LinearSVC(random_state=0))
    scores = machine.decision_function(test[0])
    assert found.top_5 == pytest.approx(top_k_accuracy_score(test[1], scores, k=5))
    two = [(x[y < 2], y[y < 2]) for x, y in (train, test)]
    assert evaluation.classifier_accuracy(*two, classifier=LinearSVC(random_state=0)).top_5 is None


def test_keras_classifier():
    def network():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(7)])
        model.compile(keras.optimizers.Adam(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    train, test = labelled(), labelled(seed=1)
    found = evaluation.classifier_accuracy(train, test, classifier=network, epochs=20, batch_size=100)
    assert found.top_1 > 0.4 and found.top_5 > 0.95
    wide = np.where(train[1] == 6, 8, train[1])
    with pytest.raises(ValueError, match=r"must give 9 scores or more. Received: shape \(700, 7\)"):
        seven = lambda: Scores(np.zeros([700, 7]))  # noqa: E731
        evaluation.classifier_accuracy((train[0], wide), (test[0], wide), classifier=seven)
    with pytest.raises(TypeError, match="a function that makes a compiled Keras model. Received: <Sequential"):
        evaluation.classifier_accuracy(train, test, classifier=network())
    with pytest.raises(ValueError, match="scores must be finite. Received: 700 of 700"):
        evaluation.classifier_accuracy(train, test, classifier=lambda: Scores(np.full([700, 7], np.nan)))


class Scores:
    def __init__(self, scores):
        self.scores = scores

    def fit(self, x, y, verbose):
        pass

    def predict(self, x, verbose):
        return self.scores


def test_score_of_the_true_density_is_that_of_real_data_and_of_a_wrong_one_lower():
    test, labels = labelled(seed=5), np.arange(2100) % 7
    score = lambda model: evaluation.classification_accuracy_score(  # noqa: E731
        model, *test, labels=labels, classifier=KNeighborsClassifier(15), batch_size=500
    )
    real = evaluation.classifier_accuracy(labelled(2100, seed=6), test, classifier=KNeighborsClassifier(15))
    right, swapped = score(Gaussians()), score(Gaussians(spread=-1.0))
    assert abs(right.top_1 - real.top_1) < 4 * np.hypot(right.standard_error, real.standard_error)
    assert swapped.top_1 < 0.3 < right.top_1


def test_bad_input_of_the_score():
    x, y = labelled()
    good = {"labels": np.arange(70) % 7, "classifier": LogisticRegression()}
    score = evaluation.classification_accuracy_score
    with pytest.raises(TypeError, match="must have `sample.*Received: object, which has not"):
        score(object(), x, y, **good)
    with pytest.raises(ValueError, match=r"must see every class.*Received: labels \[5, 6\] in the test alone"):
        score(Gaussians(), x, y, labels=np.arange(70) % 5, classifier=LogisticRegression())
    with pytest.raises(ValueError, match="The draws of the model must be finite. Received: 10 of 70"):
        score(Holes(), x, y, **good)
    with pytest.raises(ValueError, match=r"examples of one shape. Received: \(2,\) to train and \(1,\) to test"):
        score(Gaussians(), x[:, :1], y, **good)
    with pytest.raises(ValueError, match="with a label each"):
        score(Gaussians(), x[:0], y[:0], **good)
    with pytest.raises(TypeError, match="Labels of `test` must be integers. Received: dtype float64"):
        score(Gaussians(), x, y / 1.0, **good)
    with pytest.raises(ValueError, match=r"`labels` must be integers \[m\]"):
        score(Gaussians(), x, y, labels=[], classifier=LogisticRegression())
    with pytest.raises(TypeError, match="scikit-learn classifier or a function that makes"):
        score(Gaussians(), x, y, labels=good["labels"], classifier="svm")
    with pytest.raises(TypeError, match="Options of `fit` are of Keras models. Received: epochs"):
        score(Gaussians(), x, y, epochs=3, **good)
    with pytest.raises(ValueError, match=r"must give 70 draws. Received: shape \(3, 2\)"):
        score(Few(), x, y, **good)


class Holes(Gaussians):
    def sample(self, n, *, context, seed):
        return np.where(context[:, None] == 3, np.nan, super().sample(n, context=context, seed=seed))


class Nameless:
    log_prob = Gaussians.log_prob


class Few(Gaussians):
    def sample(self, n, *, context, seed):
        return super().sample(n, context=context, seed=seed)[:3]


def test_bad_input_of_classifiers():
    x, y = labelled()
    with pytest.raises(TypeError, match="must have `log_prob"):
        BayesClassifier(object())
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2. Received: None"):
        BayesClassifier(Nameless())
    with pytest.raises(ValueError, match="`prior` must hold 7 positive"):
        BayesClassifier(Gaussians(), prior=np.ones(7))
    classifier = BayesClassifier(Gaussians())
    with pytest.raises(ValueError, match="at least one. Received: shape"):
        classifier.predict(x[:0])
    with pytest.raises(ValueError, match="`x` must be finite. Received: 700 of 700"):
        classifier.predict(x * np.nan)
    with pytest.raises(ValueError, match="Received: 700 of 700 examples without, the first number 0"):
        BayesClassifier(Gaussians(factor=np.nan)).predict(x)
    with pytest.raises(ValueError, match="Labels must be from 0 to 6. Received: values 1 to 7"):
        classifier.calibrate(x, y + 1)
    never = Gaussians()
    never.log_prob = lambda x, context: np.where(context == y[3], -np.inf, Gaussians().log_prob(x, context))
    with pytest.raises(ValueError, match="possible given their labels. Received: .* the first number"):
        BayesClassifier(never).calibrate(x, y)
    with pytest.raises(ValueError, match="vary in more than one direction.* Received: 2 whose"):
        ClassGaussians(x[:4], np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="must differ, or give `bandwidths`. Received: 3 alike"):
        ClassKernels(np.ones([3, 2]), np.zeros(3, int))
    with pytest.raises(ValueError, match="`rate` must be between 0 and 1. Received: 2"):
        classifier.log_density_at(x, rate=2)
    with pytest.raises(ValueError, match="1 of 2 that are not, the first number 1"):
        evaluation.reliability([[0.5, 0.5], [0.5, 0.6]], [0, 1])
    with pytest.raises(ValueError, match="integers from 0 to 1.*values 0 to 2"):
        evaluation.reliability([[0.5, 0.5], [0.5, 0.5]], [0, 2])
    with pytest.raises(ValueError, match=r"one of the classes \[1\]"):
        ClassGaussians(x[:8], np.array([0, 0, 0, 0, 0, 0, 0, 1]))
    with pytest.raises(ValueError, match=r"labels among \[0, 1, 2, 3, 4, 5, 6\]. Received: \[9\]"):
        ClassKernels(x, y, bandwidths=[1.0]).sample(3, context=np.array([9, 0, 9]))
