"""Squeeze, invertible convolution, factor-out, learned prior: what the conformance table does not say."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.covariance import ledoit_wolf

from tfflows.bijectors import DiagonalAffine, FactorOut, InvertibleConv, Repeated, Squeeze
from tfflows.networks import ContextLinear

tfb = tfp.bijectors


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)], ids=str)
def test_squeeze_makes_channels_of_blocks(batch):
    x = np.random.default_rng(0).normal(size=(*batch, 4, 6, 2)).astype("float32")
    y = Squeeze().inverse(x).numpy()
    assert y.shape == (*batch, 2, 3, 8)
    for i in range(2):
        for j in range(2):
            channels = slice(2 * (2 * i + j), 2 * (2 * i + j) + 2)
            np.testing.assert_array_equal(y[..., channels], x[..., i::2, j::2, :])
    np.testing.assert_array_equal(Squeeze().forward(tf.identity(y)), x)


def test_squeeze_knows_its_shapes():
    squeeze = Squeeze(4)
    assert squeeze.inverse_event_shape([8, 8, 3]) == [2, 2, 48]
    assert squeeze.forward_event_shape([None, 2, 48]) == [None, 8, 3]
    assert squeeze.inverse_event_shape_tensor([8, 8, 3]).numpy().tolist() == [2, 2, 48]


@pytest.mark.parametrize("parametrization", ["plu", "plain"])
def test_convolution_starts_from_the_kernel_given(parametrization):
    kernel = np.random.default_rng(0).normal(size=(3, 3))
    conv = InvertibleConv([2, 2, 3], parametrization=parametrization, kernel=kernel, dtype="float64")
    y = np.random.default_rng(1).normal(size=(5, 2, 2, 3))
    np.testing.assert_allclose(conv.inverse(y), np.einsum("ij,bhwj->bhwi", kernel, y), rtol=1e-12)
    np.testing.assert_allclose(
        conv.inverse_log_det_jacobian(tf.identity(y)), np.full(5, 4 * np.linalg.slogdet(kernel)[1]), rtol=1e-12
    )
    np.testing.assert_allclose(conv.forward(tf.identity(conv.inverse(y))), y, rtol=1e-9)


@pytest.mark.parametrize("parametrization", ["plu", "plain"])
def test_convolution_starts_as_a_rotation(parametrization):
    conv = InvertibleConv([6], parametrization=parametrization, seed=3, dtype="float64")
    matrix = conv.inverse(tf.eye(6, dtype="float64")).numpy()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(6), atol=1e-12)
    other = InvertibleConv([6], parametrization=parametrization, seed=4, dtype="float64")
    assert np.abs(other.inverse(tf.eye(6, dtype="float64")) - matrix).max() > 0.1


def _photograph_like(n=400, seed=0):
    """Channels that depend on one another, of different sizes."""
    rng = np.random.default_rng(seed)
    return 0.3 * rng.normal(size=(n, 2, 2, 4)) @ (np.eye(4) + 0.4 * rng.normal(size=(4, 4))) + 5.0


@pytest.mark.parametrize("parametrization", ["plu", "plain"])
def test_whitening_leaves_covariance_one_and_keeps_the_rotation(parametrization):
    options = {"parametrization": parametrization, "dtype": "float64", "seed": 3}
    conv, y = InvertibleConv([2, 2, 4], whiten=True, **options), _photograph_like()
    rotation = InvertibleConv([2, 2, 4], **options)
    assert not conv.adapted and rotation.adapted
    x = conv.adapt(y).numpy()
    assert conv.adapted
    np.testing.assert_allclose(np.cov(x.reshape(-1, 4), rowvar=False, ddof=0), np.eye(4), atol=1e-9)
    # Without the rotation, what is left is V^T scaled: its rows are orthogonal.
    basis = np.tile(np.eye(4)[:, None, None], (1, 2, 2, 1))
    matrix, turned = (each.inverse(tf.constant(basis)).numpy()[:, 0, 0].T for each in (conv, rotation))
    rows = turned.T @ matrix
    np.testing.assert_allclose(rows @ rows.T, np.diag(np.diag(rows @ rows.T)), atol=1e-9)
    # Once only, whatever comes next.
    before = [v.numpy() for v in conv.variables]
    conv.adapt(_photograph_like(seed=1))
    for old, new in zip(before, conv.variables, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("n", [20, 5000])
def test_symmetric_whitening_is_that_of_a_shrunk_covariance(n):
    rows = np.random.default_rng(0).normal(size=(n, 6)) @ np.random.default_rng(1).normal(size=(6, 6)) + 3
    conv = InvertibleConv([6], whiten="symmetric", trainable=False, dtype="float64", seed=3)
    assert not conv.trainable_variables and not conv.adapted
    np.testing.assert_array_equal(conv.inverse(tf.constant(rows)), rows)
    covariance, share = ledoit_wolf(rows)
    wanted = rows @ scipy.linalg.inv(scipy.linalg.sqrtm(covariance))
    np.testing.assert_allclose(conv.adapt(rows), wanted, atol=1e-9)
    assert conv.adapted and (share > 0.05) == (n == 20)
    with pytest.raises(ValueError, match="`whiten` must be one of .*symmetric.*Received: 'yes'"):
        InvertibleConv([6], whiten="yes")


def test_whitening_stretches_no_direction_without_bound():
    y = _photograph_like().astype("float32")
    y[..., 1] = y[..., 0]  # a direction in which nothing varies
    conv = InvertibleConv([2, 2, 4], whiten=True, seed=0)
    x = conv.adapt(y)
    np.testing.assert_allclose(conv.forward(tf.identity(x)), y, atol=1e-3)
    for empty in (np.zeros([0, 2, 2, 4], "float32"), np.full([1, 2, 2, 4], np.nan, "float32")):
        with pytest.raises(ValueError, match="adapts to finite data"):
            InvertibleConv([2, 2, 4], whiten=True).adapt(empty)
    constant = InvertibleConv([2, 2, 4], whiten=True, seed=0)
    assert np.isfinite(constant.adapt(np.ones([3, 2, 2, 4], "float32"))).all()


def test_every_repeat_whitens_what_it_receives():
    steps = Repeated(InvertibleConv([2, 2, 4], whiten=True, seed=0, dtype="float64"), 3, seed=1)
    assert not steps.adapted
    x = steps.adapt(tf.constant(_photograph_like())).numpy()
    assert steps.adapted
    np.testing.assert_allclose(np.cov(x.reshape(-1, 4), rowvar=False, ddof=0), np.eye(4), atol=1e-9)


def test_plu_has_as_many_weights_as_the_matrix_and_stays_invertible():
    conv = InvertibleConv([5], seed=0)
    assert [tuple(v.shape) for v in conv.trainable_variables] == [(5, 5)]
    conv.factors.assign(100.0 * np.random.default_rng(0).normal(size=(5, 5)) * (1 - np.eye(5)) - 5.0 * np.eye(5))
    assert float(conv.inverse_log_det_jacobian(tf.ones([1, 5]))[0]) == pytest.approx(-25.0)


@pytest.mark.parametrize("parametrization", ["plu", "plain"])
def test_singular_kernels_are_refused(parametrization):
    with pytest.raises(ValueError, match="must be invertible. Received: a matrix of rank 1, not 2"):
        InvertibleConv([2], parametrization=parametrization, kernel=[[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(ValueError, match="not finite"):
        InvertibleConv([2], parametrization=parametrization, kernel=[[1.0, np.nan], [2.0, 4.0]])
    with pytest.raises(ValueError, match=r"shape \(2, 2\). Received: shape \(3, 3\)"):
        InvertibleConv([2], parametrization=parametrization, kernel=np.eye(3))


def test_a_plain_kernel_that_became_singular_is_named():
    conv = InvertibleConv([2], parametrization="plain", seed=0)
    conv.kernel.assign([[0.0, 0.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="kernel of invertible_conv must be invertible. Received"):
        conv.inverse(tf.ones([3, 2]))


def test_factor_out_leaves_the_rest_alone():
    double = FactorOut(tfb.Scale(2.0), 2)
    x = tf.ones([4, 3, 5])
    np.testing.assert_array_equal(double.forward(x), x * [2.0, 2.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(double.forward_log_det_jacobian(tf.identity(x)), np.full([4, 3], 2 * np.log(2)), 1e-6)


def test_diagonal_affine_is_the_gaussian_it_says():
    prior = DiagonalAffine([2], conditioner=ContextLinear(4, num_classes=2), log_scale_bound="none", dtype="float64")
    prior.shift.assign([1.0, 2.0])
    prior.raw_log_scale.assign([0.5, -0.5])
    prior.conditioner.kernel.assign([[0.0] * 4, [3.0, 4.0, 0.25, 0.75]])
    base = tfp.distributions.MultivariateNormalDiag(tf.zeros(2, "float64"), tf.ones(2, "float64"))
    x, labels = np.random.default_rng(0).normal(size=(6, 2)), tf.constant([0, 1, 0, 1, 0, 1])
    log_prob = tfp.distributions.TransformedDistribution(base, prior).log_prob(x, bijector_kwargs={"context": labels})
    for label, mean, log_scale in ((0, [1.0, 2.0], [0.5, -0.5]), (1, [4.0, 6.0], [0.75, 0.25])):
        exact = tfp.distributions.MultivariateNormalDiag(mean, tf.exp(tf.constant(log_scale, "float64")))
        np.testing.assert_allclose(log_prob[label::2], exact.log_prob(x[label::2]), rtol=1e-6)


def conditional(units):
    return DiagonalAffine([2], conditioner=ContextLinear(units, num_classes=2))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Squeeze(1), "`block_size` must be an integer of at least 2. Received: 1"),
        (lambda: Squeeze().inverse(tf.zeros([5, 3, 4, 2])), r"multiples of 2. Received: shape \(5, 3, 4, 2\)"),
        (lambda: Squeeze().forward(tf.zeros([5, 3, 4, 2])), "multiple of 4 channels"),
        (lambda: InvertibleConv([]), "known last axis"),
        (lambda: InvertibleConv([2], parametrization="qr"), "must be one of.*Received: 'qr'"),
        (lambda: FactorOut(tfb.Scale(2.0), 0), "`num_kept` must be an integer of at least 1"),
        (lambda: FactorOut(tfb.Scale(2.0), 3).forward(tf.zeros([5, 3])), "more than 3 channels. Received"),
        (lambda: FactorOut(Squeeze(), 1).forward(tf.zeros([5, 2, 2, 4])), "multiple of 4 channels"),
        (lambda: DiagonalAffine([None]), "must be known"),
        (lambda: conditional(4).forward(tf.zeros([1, 2])), "needs a `context`"),
        (lambda: conditional(3).forward(tf.zeros([1, 2]), context=tf.constant([0])), "must return 4 values"),
    ],
)
def test_bad_input(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_factor_out_of_no_bijector():
    with pytest.raises(TypeError, match="must be a tfp.bijectors.Bijector. Received"):
        FactorOut(np.eye(2), 1)
