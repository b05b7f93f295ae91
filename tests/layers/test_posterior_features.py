"""Posterior layers whose features are numbers in units of their own."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows import layers, models

rng = np.random.default_rng(0)
H = rng.normal(size=(200, 3)).astype("float32")
RAW = (5000 + 500 * H).astype("float32")
KINDS = [layers.GaussianPosterior, layers.PlanarPosterior, layers.CouplingPosterior, layers.IAFPosterior]


@pytest.mark.parametrize("kind", KINDS)
def test_unit_of_features_does_not_matter(kind):
    drawn = []
    for h in (H, RAW):
        posterior = kind(2, standardize=True, return_log_q=True, seed=0)
        assert not posterior.adapted
        posterior.adapt(h)
        assert posterior.adapted
        drawn.append(posterior(h, seed=1))
    (z, log_q), (z_raw, log_q_raw) = drawn
    np.testing.assert_allclose(z_raw, z, atol=1e-3)
    np.testing.assert_allclose(log_q_raw, log_q, atol=1e-3)
    assert np.ptp(posterior(RAW + 500, seed=1)[0] - z) > 1e-3, "features are not used"
    posterior.adapt(7 * RAW)  # once
    np.testing.assert_array_equal(posterior(RAW, seed=1)[0], z_raw)


def test_in_a_keras_model_it_says_once_that_it_was_never_adapted_and_is_saved(tmp_path):
    features = keras.Input((3,))
    posterior = layers.PlanarPosterior(2, num_flows=1, standardize=True, seed=0)
    model = keras.Model(features, keras.layers.Dense(1)(posterior(features)))
    model.compile("adam", loss="mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="planar_posterior.* was never adapted: call `adapt") as record:
        model.fit(RAW, H[:, :1], verbose=0)
        model.fit(RAW, H[:, :1], verbose=0)
    assert len([each for each in record if "adapted" in str(each.message)]) == 1
    posterior.adapt(RAW)
    wanted = posterior.draw(RAW, seed=1)[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[1]
    assert loaded.adapted and loaded.standardize
    np.testing.assert_array_equal(loaded.draw(RAW, seed=1)[0], wanted)
    assert not any("features" in v.path for v in posterior.trainable_variables)


@pytest.mark.parametrize("stream", [False, True], ids=["arrays", "stream"])
def test_an_autoencoder_adapts_it(stream):
    posterior = layers.GaussianPosterior(2, standardize=True, seed=0)
    vae = models.VariationalAutoencoder(
        keras.layers.Rescaling(1.0), keras.layers.Dense(3), posterior, likelihood=lambda raw: _normal(raw)
    )
    vae.compile("adam", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*never adapted")
        vae.fit(tf.data.Dataset.from_tensor_slices(RAW).batch(100) if stream else RAW, batch_size=100, verbose=0)
    assert vae.adapted
    np.testing.assert_allclose(posterior.standardization.location, RAW.mean(0), rtol=1e-6)
    np.testing.assert_allclose(posterior.standardization.scale, RAW.std(0), rtol=1e-4)


def _normal(mean):
    import tensorflow_probability as tfp

    return tfp.distributions.Independent(tfp.distributions.Normal(mean, 1.0), 1)


def test_refusals():
    with pytest.raises(ValueError, match="must have `standardize=True` to adapt. Received: standardize=False"):
        layers.GaussianPosterior(2).adapt(RAW)
    with pytest.raises(ValueError, match="`standardize` must be one of"):
        layers.GaussianPosterior(2, standardize="yes")
    with pytest.raises(ValueError, match="adapts to finite data"):
        layers.GaussianPosterior(2, standardize=True).adapt(np.full([4, 3], np.nan, "float32"))
    assert layers.GaussianPosterior(2).adapted
