"""What a flow would inherit from native parts: round trips and gradients that TFP has wrong, found when it is built."""

import warnings

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.joint import composition
from tfflows.joint.keras_bijector import KerasBijector

tfb, tfd = tfp.bijectors, tfp.distributions

# Known to be right, by `tests/joint/test_natives.py`, or too costly to ask: a flow of these is not checked.
_RIGHT = """Ascending BatchNormalization Blockwise Chain CholeskyOuterProduct CholeskyToInvCholesky Composition
CorrelationCholesky DiscreteCosineTransform Exp Expm1 FFJORD FillScaleTriL FillTriangular FrechetCDF
GeneralizedExtremeValueCDF Glow GompertzCDF GumbelCDF Householder Identity Invert IteratedSigmoidCentered JointMap
KumaraswamyCDF LambertWTail Log Log1p MaskedAutoregressiveFlow MatrixInverseTriL MatvecLU MoyalCDF NormalCDF Pad Permute
Power PowerTransform RationalQuadraticSpline RayleighCDF RealNVP Reciprocal Reshape Restructure Scale ScaleMatvecDiag
ScaleMatvecLU ScaleMatvecLinearOperator ScaleMatvecLinearOperatorBlock ScaleMatvecTriL Shift ShiftedGompertzCDF Sigmoid
Sinh SinhArcsinh SoftClip SoftmaxCentered Softplus Softsign Split Square Tanh TransformDiagonal Transpose
WeibullCDF""".split()
_RIGHT_BASES = """Bates Beta Cauchy Chi2 ExponentiallyModifiedGaussian Exponential Gamma GeneralizedExtremeValue
GeneralizedNormal Gumbel HalfCauchy HalfNormal Independent InverseGamma JohnsonSU Kumaraswamy LambertWNormal Laplace
LogLogistic LogNormal Logistic LogitNormal MixtureSameFamily Moyal MultivariateNormalDiag
MultivariateNormalFullCovariance MultivariateNormalLinearOperator MultivariateNormalTriL Normal NormalInverseGaussian
PERT Pareto Sample SigmoidBeta SinhArcsinh StudentT TransformedDistribution Triangular TruncatedCauchy TwoPieceNormal
Uniform VonMises Weibull""".split()
_DRAWS, _STEP = 32, 0.01  # the step in standard deviations of the draws
_NO_ANSWER = NotImplementedError, TypeError, ValueError, tf.errors.OpError  # of a part asked alone


def check(distribution):
    """Refuses what is not a density of single events.

    Raises:
      TypeError: not a transformed distribution.
      ValueError: a batch shape, or an unknown event shape.
    """
    if not hasattr(distribution, "bijector") or not isinstance(distribution, tfd.Distribution):
        raise TypeError(
            "`distribution` must be a tfp.distributions.TransformedDistribution. "
            f"Received: {type(distribution).__name__}"
        )
    if distribution.batch_shape.rank != 0 or not distribution.event_shape.is_fully_defined():
        raise ValueError(
            "`distribution` must have batch shape [] and a known event shape (tfd.Independent and tfd.Sample turn "
            f"batch axes into event axes). Received: batch shape {distribution.batch_shape}, event shape "
            f"{distribution.event_shape}"
        )


def faults(distribution, context):
    """The parts of a `tfd.TransformedDistribution` that fail, in words, by name: a list.

    Compared are, at draws of the base, the inverse of a bijector's forward direction with what went in, and gradients
    of values, log-dets and log-densities with differences, where differences of two sizes agree. Bijectors and bases
    that are known to be right are left out, as is what a part does not give (a direction that it does not have);
    gradients through draws are of a base that is trained.
    """
    if not tf.executing_eagerly() or tf.distribute.has_strategy():
        return []
    base, found = distribution.distribution, []
    inner = base
    while _kind(inner) in ("Independent", "Sample"):
        inner = inner.distribution
    if _kind(inner) not in _RIGHT_BASES:
        found += [*_answer(_of_density, inner), *_answer(_of_draws, inner)]
    if _suspects(distribution.bijector):
        found += _answer(_of_links, _links(distribution.bijector), base, context)
    return found


def warn(distribution, context):
    """Warns of what `faults` finds."""
    if found := faults(distribution, context):
        warnings.warn(
            f"Parts of this flow are wrong (TensorFlow Probability {tfp.__version__}): {'; '.join(found)}. What "
            "depends on them, as scores, gradients of what is trained and latents may, is wrong as well",
            stacklevel=4,
        )


def _answer(check, *parts):
    """What a check finds until a part does not give what is asked: no reason to refuse a flow."""
    found = []
    try:
        for each in check(*parts):
            found.append(each)
    except _NO_ANSWER:
        pass
    return found


def _kind(part):
    if not type(part).__module__.startswith("tensorflow_probability."):
        return ""  # of one's own, whatever its name
    return type(part).__name__.lstrip("_")  # TFP has some classes twice


def _links(bijector):
    if type(bijector).__name__.lstrip("_") != "Chain":  # ours or TFP's
        return [bijector]
    return [each for link in bijector.bijectors for each in _links(link)]


def _suspects(link):
    parts = [part for part in (link, *link.submodules) if isinstance(part, tfb.Bijector)]
    suspects = (part for part in parts if not isinstance(part, KerasBijector) and _kind(part) not in _RIGHT)
    return list(dict.fromkeys(type(part).__name__.lstrip("_") for part in suspects))


def _of_links(links, base, context):
    x, ndims = base.sample(_DRAWS, seed=[0, 1]), base.event_shape.rank
    for link in reversed(links):
        y = link.forward(tf.identity(x), **composition.context_kwargs(link, context))
        after = link.forward_event_ndims(ndims)
        names = _suspects(link) if link._is_injective else ()  # the inverse of others gives every preimage
        if not link._is_injective and int(np.prod(y.shape[1:])) > 1:
            yield f"{type(link).__name__} {link.name!r} (log-probabilities of events of several entries)"
        if names:
            faults = _answer(_faults, link, x, y, ndims, after, context)
            if faults:
                yield f"{', '.join(names)} {link.name!r} ({', '.join(faults)})"
        x, ndims = y, after


def _faults(link, x, y, ndims, after, context):
    forward = lambda x: composition.evaluate(link, x, ndims, context, forward=True)  # noqa: E731
    inverse = lambda y: composition.evaluate(link, y, after, context, forward=False)  # noqa: E731
    scale = _scale(x)
    if not np.all(np.abs(inverse(y)[0] - x) <= 1e-3 * (scale + np.abs(x))):
        yield "round trip"
    along = _directions(x)
    ways = [("forward", forward, x, along * scale)]
    if y.shape == x.shape:  # otherwise the events lie on a surface
        step = _STEP * scale * along
        ways.append(("inverse", inverse, y, (forward(x + step)[0] - forward(x - step)[0]) / (2 * _STEP)))
    for name, function, at, direction in ways:
        weights = _directions(function(at)[0])
        if _wrong_gradient(lambda v: weights * function(v)[0], at, direction):  # noqa: B023
            yield f"gradient of the {name} direction"
        if _wrong_gradient(lambda v: function(v)[1], at, direction):  # noqa: B023
            yield f"gradient of the {name} log-det"


def _of_density(base):
    x = base.sample(_DRAWS, seed=[0, 1])
    wrong = x.dtype.is_floating and _wrong_gradient(base.log_prob, x, _directions(x) * _scale(x))
    return [f"{type(base).__name__} {base.name!r} (gradient of the log-density)"] if wrong else []


def _of_draws(base):
    """Draws `z` with distribution function `F` have the mean of `F(z)` and of its square whatever the parameters."""
    variables = base.trainable_variables
    if not variables or base.reparameterization_type != tfd.FULLY_REPARAMETERIZED or base.event_shape.rank:
        return []
    with tf.GradientTape(persistent=True) as tape:
        z = base.sample([8, 500], seed=[0, 1])
        both, held = base.cdf(z), base.cdf(tf.stop_gradient(z))
        moved, fixed = (tf.reduce_mean(p + p * p, axis=1) for p in (both, held))
        values = [*tf.unstack(moved), tf.reduce_mean(fixed, axis=0)]
    wrong = False
    for gradients in zip(*(tape.gradient(each, variables, unconnected_gradients="zero") for each in values)):
        *moved, fixed = np.array(gradients)  # of one variable
        error = np.std(moved, axis=0) / np.sqrt(len(moved))
        wrong |= np.any(~(np.abs(np.mean(moved, axis=0)) <= 5 * error + 0.2 * np.abs(fixed)))
    return [f"{type(base).__name__} {base.name!r} (gradients through draws)"] if wrong else []


def _scale(x):
    return np.std(x) + np.finfo(x.dtype.as_numpy_dtype).tiny


def _directions(x):
    return np.random.default_rng(0).normal(size=x.shape).astype(x.dtype.as_numpy_dtype)


def _wrong_gradient(function, x, direction):
    """Whether a gradient along a direction is not what differences of two sizes agree on, of any example."""
    by_example = lambda values: np.sum(np.reshape(values, [len(x), -1]), axis=1)  # noqa: E731

    def values(x):
        found = function(tf.identity(x))
        return tf.zeros(len(x)) if not found.shape.rank else found  # a constant log-det

    def difference(step):
        return by_example(values(x + step * direction) - values(x - step * direction)) / (2 * step)

    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(function(tf.identity(x)))
    gradient = tape.gradient(value, x, unconnected_gradients="zero")
    with np.errstate(invalid="ignore"):
        slope, coarse, fine = by_example(gradient * direction), difference(_STEP), difference(_STEP / 2)
        known = np.abs(coarse - fine) <= 0.02 * np.abs(fine)
        return bool(np.any(known & ~(np.abs(slope - fine) <= 0.1 * np.abs(fine))))
