"""Native parts that are wrong in TFP are named when a flow is built; those said to be right are."""

import warnings

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint import natives
from tfflows.models import FlowModel, RealNVP

tfb, tfd = tfp.bijectors, tfp.distributions


def told(base, *links):
    """What is said of native parts when a flow of these is built."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        FlowModel(tfd.TransformedDistribution(base, tfb.Chain(links)))
    return [str(each.message) for each in found if "Parts of this flow" in str(each.message)]


def normal(*shape):
    return tfd.Sample(tfd.Normal(0.0, 1.0), shape)


WRONG = {
    "Cumsum 'cumsum' (gradient of the inverse direction)": lambda: (normal(3), tfb.Cumsum()),
    "Cumsum 'invert_cumsum' (gradient of the forward direction)": lambda: (normal(3), tfb.Invert(tfb.Cumsum())),
    "Softfloor 'softfloor' (round trip)": lambda: (normal(2), tfb.Softfloor(0.7)),
    "GeneralizedPareto 'generalized_pareto' (gradient of the inverse log-det)": lambda: (
        normal(2),
        tfb.Shift(1.0),
        tfb.GeneralizedPareto(0.2, 1.3, 0.4),
    ),
    "InverseGaussian 'InverseGaussian' (gradients through draws)": lambda: (
        tfd.Sample(tfd.InverseGaussian(tf.Variable(1.0), tf.Variable(2.0)), [2]),
    ),
    "TruncatedNormal 'TruncatedNormal' (gradients through draws)": lambda: (
        tfd.Sample(tfd.TruncatedNormal(tf.Variable(0.0), tf.Variable(1.0), -1.0, 2.0), [2]),
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_part_that_is_wrong_is_named(fault):
    base, *links = WRONG[fault]()
    (said,) = told(base, *(links or [tfb.Shift(1.0)]))
    assert f": {fault}. What" in said


class Cubed(tfb.Bijector):
    """One of the user's own, right or with a log-det or an inverse that is not."""

    def __init__(self, power=2.0, root=1.0):
        super().__init__(forward_min_event_ndims=0, parameters=dict(locals()), name="cubed")
        self.power, self.root = power, root

    def _forward(self, x):
        return x**3 + x

    def _inverse(self, y):
        x = tf.zeros_like(y)
        for _ in range(60):
            x = x - (x**3 + x - y) / (3 * x**2 + 1)
        return self.root * x

    def _inverse_log_det_jacobian(self, y):
        return -tf.math.log(3 * self._inverse(y) ** self.power + 1)


def test_a_part_of_ones_own_is_checked_too():
    assert told(normal(2), Cubed()) == []
    assert "Cubed 'cubed' (round trip" in told(normal(2), Cubed(root=1.01))[0]


def test_common_parts_and_models_cost_nothing(monkeypatch):
    monkeypatch.setattr(natives, "_of_links", None)
    monkeypatch.setattr(natives, "_of_density", None)
    assert told(normal(2), tfb.Sigmoid(), tfb.Scale(2.0), tfb.Shift(tf.Variable([1.0, 2.0]))) == []
    RealNVP((2,), num_layers=2, hidden_units=(4,))


POSITIVE, UNIT = tfd.Sample(tfd.LogNormal(0.0, 0.5), [3]), tfd.Sample(tfd.Uniform(0.05, 0.95), [3])
TRIL = tf.constant([[1.5, 0.0, 0.0], [0.3, 0.7, 0.0], [-0.4, 0.2, 1.2]])
RIGHT = {
    "Ascending": lambda: [tfb.Ascending()],
    "BatchNormalization": lambda: [tfb.BatchNormalization(training=False)],
    "Blockwise": lambda: [tfb.Blockwise([tfb.Exp(), tfb.Scale(2.0)], [1, 2])],
    "CholeskyOuterProduct": lambda: [normal(6), tfb.CholeskyOuterProduct(), tfb.FillScaleTriL()],
    "CholeskyToInvCholesky": lambda: [normal(6), tfb.CholeskyToInvCholesky(), tfb.FillScaleTriL()],
    "CorrelationCholesky": lambda: [tfb.CorrelationCholesky()],
    "DiscreteCosineTransform": lambda: [tfb.DiscreteCosineTransform()],
    "Exp": lambda: [tfb.Exp()],
    "Expm1": lambda: [tfb.Expm1()],
    "FillTriangular": lambda: [normal(6), tfb.FillTriangular()],
    "FrechetCDF": lambda: [POSITIVE, tfb.FrechetCDF(-6.0, 2.0, 1.5)],
    "GeneralizedExtremeValueCDF": lambda: [tfb.GeneralizedExtremeValueCDF(0.0, 3.0, 0.1)],
    "GompertzCDF": lambda: [POSITIVE, tfb.GompertzCDF(0.5, 0.3)],
    "GumbelCDF": lambda: [tfb.GumbelCDF(0.3, 1.2)],
    "Householder": lambda: [tfb.Householder([1.0, 2.0, 3.0])],
    "IteratedSigmoidCentered": lambda: [tfb.IteratedSigmoidCentered()],
    "KumaraswamyCDF": lambda: [UNIT, tfb.KumaraswamyCDF(1.3, 1.7)],
    "LambertWTail": lambda: [tfb.LambertWTail(0.1, 1.5, 0.2)],
    "Log": lambda: [POSITIVE, tfb.Log()],
    "Log1p": lambda: [UNIT, tfb.Log1p()],
    "MatrixInverseTriL": lambda: [normal(6), tfb.MatrixInverseTriL(), tfb.FillScaleTriL()],
    "MoyalCDF": lambda: [tfb.MoyalCDF(0.3, 1.2)],
    "NormalCDF": lambda: [tfb.NormalCDF()],
    "Permute": lambda: [tfb.Permute([2, 0, 1])],
    "Power": lambda: [POSITIVE, tfb.Power(3.0)],
    "PowerTransform": lambda: [POSITIVE, tfb.PowerTransform(0.3)],
    "RayleighCDF": lambda: [POSITIVE, tfb.RayleighCDF(1.3)],
    "Reciprocal": lambda: [POSITIVE, tfb.Reciprocal()],
    "ScaleMatvecTriL": lambda: [tfb.ScaleMatvecTriL(TRIL)],
    "ScaleMatvecLU": lambda: [tfb.ScaleMatvecLU(TRIL, tf.constant([0, 2, 1]))],
    "ShiftedGompertzCDF": lambda: [POSITIVE, tfb.ShiftedGompertzCDF(0.5, 0.3)],
    "Sigmoid": lambda: [tfb.Sigmoid(-2.0, 3.0)],
    "SinhArcsinh": lambda: [tfb.SinhArcsinh(0.3, 1.2)],
    "SoftClip": lambda: [tfb.SoftClip(-2.0, 2.0, 0.5)],
    "Softplus": lambda: [tfb.Softplus(0.7)],
    "Softsign": lambda: [tfb.Softsign()],
    "Square": lambda: [POSITIVE, tfb.Square()],
    "TransformDiagonal": lambda: [normal(6), tfb.TransformDiagonal(tfb.Exp()), tfb.FillTriangular()],
    "Transpose": lambda: [normal(2, 3), tfb.Transpose([1, 0])],
    "WeibullCDF": lambda: [POSITIVE, tfb.WeibullCDF(1.3, 1.7)],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_said_to_be_right_is(name, monkeypatch):
    assert name in natives._RIGHT
    monkeypatch.setattr(natives, "_RIGHT", [])
    monkeypatch.setattr(natives, "_NO_ANSWER", ())
    parts = RIGHT[name]()
    base, links = (parts[0], parts[1:]) if isinstance(parts[0], tfd.Distribution) else (normal(3), parts)
    assert list(natives._of_links(links, base, None)) == []


BASES = {
    "Bates": (3, 0.0, 1.0),
    "Beta": (2.0, 3.0),
    "ExponentiallyModifiedGaussian": (3.0, 1.0, 1.0),
    "Gamma": (2.0, 1.0),
    "GeneralizedNormal": (0.0, 2.0, 1.5),
    "JohnsonSU": (0.3, 1.5, 0.3, 2.0),
    "Kumaraswamy": (2.0, 3.0),
    "LambertWNormal": (0.0, 2.0, 0.2),
    "LogitNormal": (0.0, 0.5),
    "Moyal": (3.0, 1.0),
    "PERT": (0.0, 1.5, 3.0),
    "SinhArcsinh": (0.0, 1.5, 0.3),
    "StudentT": (3.0, 1.5, 0.3),
    "Triangular": (0.0, 2.0, 1.0),
    "TruncatedCauchy": (0.0, 2.0, -1.0, 3.0),
    "TwoPieceNormal": (0.0, 2.0, 0.7),
    "VonMises": (0.0, 1.5),
    "Weibull": (2.0, 3.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
def test_bases_that_are_said_to_be_right_are(name):
    assert name in natives._RIGHT_BASES
    parameters = (tf.Variable(value) if isinstance(value, float) else value for value in BASES[name])
    base = getattr(tfd, name)(*parameters)
    assert [*natives._of_density(base), *natives._of_draws(base)] == []


def test_a_rng_of_ones_own_stays_as_it_was():
    tf.random.set_seed(3)
    first = tf.random.normal([2])
    tf.random.set_seed(3)
    told(normal(3), tfb.Cumsum())
    np.testing.assert_array_equal(tf.random.normal([2]), first)


def test_variables_of_unlike_shapes_are_looked_at_each():
    base = tfd.TruncatedNormal(tf.Variable([0.0, 0.0]), tf.Variable(1.0), -1.0, 1.0)
    (said,) = told(tfd.Independent(base, 1), tfb.Shift(1.0))
    assert ": TruncatedNormal 'TruncatedNormal' (gradients through draws). What" in said
    base = tfd.InverseGaussian(tf.Variable([1.0, 1.0]), tf.Variable(1.0))  # right where TFP broadcasts
    assert told(tfd.Independent(base, 1), tfb.Shift(1.0)) == []


def test_a_part_without_an_inverse_is_no_reason_to_refuse():
    x = np.float32([[0.3], [1.2]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = FlowModel(tfd.TransformedDistribution(normal(1), tfb.AbsoluteValue()))
    np.testing.assert_allclose(model.log_prob(x), tfd.HalfNormal(1.0).log_prob(x[:, 0]), rtol=1e-6)


class Forgetful(Cubed):
    """Its inverse fails at any number of points but one, that of the first look at a flow; its log-det is given."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def _inverse(self, y):
        if len(y) > 1:
            raise self.error
        return super()._inverse(y)


ERRORS = [NotImplementedError(), TypeError(), ValueError(), tf.errors.InvalidArgumentError(None, None, "of its own")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_fails_alone_is_left_out_and_the_others_are_named(error):
    (said,) = told(normal(2), tfb.Softfloor(0.7), Forgetful(error))
    assert ": Softfloor 'softfloor' (round trip). What" in said


@pytest.mark.parametrize("size", [1, 2])
def test_absolute_values_of_vectors_are_named(size):
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [size])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        flow = FlowModel(tfd.TransformedDistribution(base, tfb.AbsoluteValue()))
    named = [each for each in caught if "AbsoluteValue 'absolute_value' (log-prob" in str(each.message)]
    right = 2 * scipy.stats.norm.pdf(1.0)
    found = float(flow.distribution.log_prob(tf.ones(size)))
    assert bool(named) == (size > 1) == (abs(found - size * np.log(right)) > 0.1)
