"""What no score can be made of is refused by name."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.mixture import GaussianMixture

from tfflows import models
from tfflows.evaluation import scores

tfd = tfp.distributions
X = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")


def normal(d=2):
    return tfd.MultivariateNormalDiag(tf.zeros(d), tf.ones(d))


class Holes:
    def log_prob(self, x):
        return np.where(x[:, 0] > 0.5, np.nan, 0.0)


def fitted(score, model=None, data=X):
    return score.fit(normal() if model is None else model, data)


MIXTURE = GaussianMixture(2, random_state=0).fit(X)
CONSTANT = [lambda model, x: np.zeros(len(x))]
COLUMN = [lambda model, x: x[:, :1]]
L = scores.Likelihood
REFUSED = {
    "no log_prob": (lambda: fitted(L(), object()), "`log_prob`, or with `score_samples`.*Received: builtins.object"),
    "several models": (lambda: fitted(L(), [normal()]), "One model is needed. Received: 1"),
    "one model": (lambda: fitted(scores.WAIC(), normal()), "at least two models is needed. Received: Multivariate"),
    "a list of one": (lambda: fitted(scores.WAIC(), [normal()]), "at least two models is needed. Received: 1 of them"),
    "other events": (
        lambda: fitted(L(), normal(3)),
        r"`model` must be a density of events of shape \(2,\). Received: one of events of shape \(3,\)",
    ),
    "one of them of other events": (lambda: fitted(scores.WAIC(), [normal(), normal(3)]), r"`models\[1\]` must be"),
    "columns of scikit-learn": (lambda: fitted(L(), MIXTURE, np.ones([4, 3])), r"`model` must .* shape \(2,\)"),
    "flow of other events": (
        lambda: fitted(L(), models.RealNVP(event_shape=(3,), num_layers=2, hidden_units=(4,))),
        r"`model` must .* events of shape \(3,\)",
    ),
    "background of other events": (
        lambda: fitted(scores.LikelihoodRatio(background=normal(3))),
        r"`background` must be a density of events of shape \(2,\)",
    ),
    "background without log_prob": (lambda: scores.LikelihoodRatio(background=3), "Received: builtins.int"),
    "no data": (lambda: fitted(L(), data=X[:0]), r"at least two examples .*Received: shape \(0, 2\)"),
    "a single example": (lambda: fitted(L(), data=X[:1]), r"at least two examples .*Received: shape \(1, 2\)"),
    "not fitted": (lambda: L().score(X), r"Likelihood is not fitted: call `fit\(model, data\)`"),
    "nothing to score": (lambda: fitted(L()).score(X[:0]), r"at least one example .*Received: shape \(0, 2\)"),
    "two sets of different shapes": (
        lambda: fitted(L()).score(np.ones([5, 3])),
        r"of shape \(2,\), as `data` did. Received: shape \(5, 3\)",
    ),
    "NaN": (lambda: fitted(L(), Holes()).score(X), rf"finite. Received: {int((X[:, 0] > 0.5).sum())} of 20 .*nan of"),
    "NaN of a score": (
        lambda: fitted(scores.SummaryStatistics(statistics=[lambda m, x: x[:, 0]])).score(np.full([3, 2], np.nan)),
        "number 0. must be numbers. Received: 3 of 3 that are NaN, the first of example 0",
    ),
    "groups": (lambda: fitted(scores.Typicality(group_size=3)).score(X), "groups of 3 .*Received: 20 examples"),
    "group of none": (lambda: scores.Typicality(group_size=0), "`group_size` must be an integer of at least 1"),
    "infinite data": (
        lambda: fitted(scores.Typicality(), tfd.Independent(tfd.Uniform([0.0, 0.0], [1.0, 1.0]), 1)),
        "must be finite. Received: .* the first -inf",
    ),
    "constant statistics": (lambda: fitted(scores.SummaryStatistics(statistics=CONSTANT)), "vary. .*number 0 is equal"),
    "a column": (lambda: fitted(scores.SummaryStatistics(statistics=COLUMN)), r"one number .*\[\(20, 1\)\]"),
    "no flow": (lambda: fitted(scores.SummaryStatistics()), r"without \['encode'\]"),
    "codec": (lambda: scores.InputComplexity(codec="gif"), r"`codec` must be one of .*Received: 'gif'"),
    "reals have no code": (
        lambda: fitted(scores.InputComplexity()),
        r"integer images .*float32 array of shape",
    ),
    "no tensors": (lambda: fitted(scores.GradientNorm(), MIXTURE), "TensorFlow differentiates.*ScikitLearnDensity"),
    "no weights": (lambda: fitted(scores.GradientNorm(of="weights")), "`trainable_variables` is needed"),
    "gradient of": (lambda: scores.GradientNorm(of="noise"), "`of` must be one of"),
    "mutated reals": (lambda: scores.mutated(X), "integers from 0 to 255. Received: float32"),
    "mutation rate": (lambda: scores.mutated(X.astype(int) ** 2, rate=2), "`rate` must be between 0 and 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name):
    ask, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        ask()


def test_reals_and_integers_are_not_mixed():
    model = tfd.MultivariateNormalDiag(np.zeros(2), np.ones(2))
    score = scores.Likelihood().fit(model, np.zeros([3, 2]))
    with pytest.raises(ValueError, match="must hold reals, as `data` did. Received: dtype int64"):
        score.score(np.zeros([3, 2], np.int64))


def test_a_fit_that_fails_leaves_a_score_that_is_not_fitted():
    model = tfd.MultivariateNormalDiag(np.zeros(2), np.ones(2))
    score = scores.Typicality().fit(model, np.zeros([3, 2]))
    with pytest.raises(ValueError):
        score.fit(model, np.full([3, 2], np.nan))
    with pytest.raises(ValueError, match="is not fitted"):
        score.score(np.zeros([3, 2]))


def test_levels_that_a_dtype_does_not_have():
    with pytest.raises(ValueError, match="`levels` must be numbers of uint8. Received: levels=1000"):
        scores.mutated(np.zeros([2, 2], np.uint8), levels=1000)
