"""ActNorm's explicit, idempotent initialisation."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, AffineCoupling, Chain
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions

DATA = (np.array([5.0, -3.0]) + np.array([0.1, 40.0]) * np.random.default_rng(0).normal(size=(500, 2))).astype(
    "float32"
)


def _moments(x):
    values = np.asarray(x).reshape(-1, x.shape[-1])
    return values.mean(0), values.std(0)


@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 3, 2), (None, None, 2)], ids=str)
def test_adapt_standardises(shape):
    actnorm = ActNorm(shape)
    event = tuple(size or 2 for size in shape)
    y = np.resize(DATA, (100, *event)).astype("float32")
    x = actnorm.adapt(y)
    mean, std = _moments(x)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(std, 1, atol=1e-4)
    np.testing.assert_array_equal(actnorm.inverse(tf.constant(y)), x)


def test_adapt_acts_once():
    actnorm = ActNorm([2])
    assert not actnorm.adapted
    actnorm.adapt(DATA)
    before = [v.numpy() for v in actnorm.variables]
    assert actnorm.adapted
    np.testing.assert_allclose(actnorm.adapt(DATA + 7.0), actnorm.inverse(tf.constant(DATA + 7.0)))
    for v, old in zip(actnorm.variables, before, strict=True):
        np.testing.assert_array_equal(v, old)


def test_nothing_else_initialises():
    actnorm = ActNorm([2])
    distribution = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2)), actnorm)
    distribution.log_prob(distribution.sample(5, seed=(0, 1)))
    actnorm.inverse(tf.constant(DATA))
    assert not actnorm.adapted and all((v.numpy() == 0).all() for v in actnorm.variables)


def test_a_feature_that_does_not_vary_stays_finite():
    actnorm = ActNorm([2])
    x = actnorm.adapt(np.stack([np.full(10, 3.0), np.arange(10.0)], axis=-1).astype("float32"))
    assert np.isfinite(x).all() and np.isfinite(actnorm.inverse_log_det_jacobian(tf.constant(DATA), 1)).all()


@pytest.mark.parametrize(
    "bad", [np.zeros([0, 2], "float32"), np.array([[np.nan, 1.0]], "float32")], ids=["empty", "nan"]
)
def test_bad_data_is_refused_and_nothing_written(bad):
    actnorm = ActNorm([2])
    with pytest.raises(ValueError, match="adapts to finite data, one event or more. Received: "):
        actnorm.adapt(bad)
    assert not actnorm.adapted and not np.any(actnorm.shift.numpy())


def test_large_offsets_lose_no_precision():
    actnorm = ActNorm([1], dtype="float64")
    y = 1e8 + np.random.default_rng(0).normal(size=(1000, 1))
    mean, std = _moments(actnorm.adapt(tf.constant(y)))
    assert abs(mean[0]) < 1e-6 and abs(std[0] - 1) < 1e-6


def test_frozen_weights_are_no_trainable_ones():
    actnorm = ActNorm([2], trainable=False)
    actnorm.adapt(DATA)
    assert not actnorm.trainable_variables and len(actnorm.variables) == 3


def test_a_chain_adapts_each_link_to_what_reaches_it():
    mlp = MLP(2, hidden_units=(8,), zero_init=False, seed=1)
    chain = Chain([ActNorm([2]), AffineCoupling([1, 0], mlp), tfb.Shift([3.0, 4.0]), ActNorm([2])])
    assert not chain.adapted
    mean, std = _moments(chain.adapt(tf.constant(DATA)))
    assert chain.adapted
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(std, 1, atol=1e-4)


def test_actnorms_inside_a_native_chain_adapt():
    chain = Chain([tfb.Chain([tfb.Shift([1.0, 1.0]), ActNorm([2])]), tfb.Shift([0.0, 0.0])])
    assert not chain.adapted
    chain.adapt(tf.constant(DATA))
    mean, std = _moments(chain.inverse(tf.constant(DATA)))
    assert chain.adapted
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(std, 1, atol=1e-4)


def test_actnorms_inside_other_native_bijectors_are_refused_not_called_adapted():
    chain = Chain([tfb.Invert(tfb.Invert(ActNorm([2]))), tfb.Shift([1.0, 1.0])])
    with pytest.raises(ValueError, match=r"Received: \['actnorm'\] inside _Invert; call their `adapt` yourself"):
        chain.adapt(tf.constant(DATA))
    assert not chain.adapted
