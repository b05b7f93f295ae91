"""Flows fitted to unnormalised densities: known answers, bad targets, saving, precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import datasets, evaluation
from tfflows.bijectors import AffineCoupling, Chain, DiagonalAffine, Permutation
from tfflows.models import FlowModel, VariationalFlow
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions

MEAN, COVARIANCE = np.array([1.0, -2.0], "float32"), np.array([[2.0, 0.6], [0.6, 0.5]], "float32")
LOG_Z = 3.0


def correlated(x):
    """A normal times exp(3)."""
    scale = tf.linalg.cholesky(tf.constant(COVARIANCE, x.dtype))
    return tfd.MultivariateNormalTriL(tf.cast(MEAN, x.dtype), scale).log_prob(x) + LOG_Z


def couplings(dtype="float32"):
    make = lambda i: AffineCoupling([1, 0], MLP(2, hidden_units=(16,), seed=i, dtype=dtype))  # noqa: E731
    return Chain([DiagonalAffine([2]), make(0), Permutation([1, 0]), make(1)])


def fitted(bijector, target=correlated, *, dtype=None, steps=300, rate=2e-2, **kwargs):
    model = VariationalFlow(target, bijector, event_shape=(2,), seed=0, dtype=dtype, **kwargs)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)))
    model.fit(steps_per_epoch=steps, batch_size=128, verbose=0)
    return model


def test_mean_field_reaches_its_known_optimum():
    # Of diagonal normals the closest to N(m, S) in reverse divergence has mean m and precisions of diag(S^-1).
    precision = np.linalg.inv(COVARIANCE.astype("float64"))
    optimum = -0.5 * (np.linalg.slogdet(precision)[1] - np.log(np.diag(precision)).sum())
    model = fitted(DiagonalAffine([2]), steps=600, rate=5e-2)
    np.testing.assert_allclose(model.bijector.shift.numpy(), MEAN, atol=0.05)
    kl = evaluation.reverse_divergence(model, correlated, log_normalizer=LOG_Z)
    assert optimum > 0.05 and abs(kl.mean - optimum) < 5 * kl.standard_error + 2e-3
    history = model.evaluate(steps=50, batch_size=1000, verbose=0, return_dict=True)
    assert history["elbo"] == pytest.approx(LOG_Z - kl.mean, abs=0.02)
    assert history["loss"] == pytest.approx(-history["elbo"], abs=1e-4)


def test_couplings_reach_the_target_that_is_among_them():
    keras.utils.set_random_seed(0)
    kl = evaluation.reverse_divergence(fitted(couplings(), steps=600), correlated, log_normalizer=LOG_Z)
    assert -5 * kl.standard_error < kl.mean < 5e-3


def test_draws_and_their_density_by_both_directions():
    model = fitted(couplings(), steps=20)
    x, log_q = model.sample_and_log_prob(200, seed=3)
    np.testing.assert_array_equal(x, model.sample(200, seed=3))
    np.testing.assert_allclose(log_q, model.log_prob(x), atol=1e-4)


@pytest.mark.parametrize("onto", [tfb.Sigmoid(-4.0, 4.0), Chain([tfb.Shift(-4.0), tfb.Scale(8.0), tfb.NormalCDF()])])
def test_a_box_holds_the_flow_also_where_float32_ends(onto):
    energy = datasets.energy_2()
    model = VariationalFlow(energy.unnormalized_log_prob, Chain([onto, tfb.Scale([50.0, 0.1])]), event_shape=(2,))
    x, log_q = model.sample_and_log_prob(2000, seed=0)
    assert np.abs(x).max() <= 4 and np.isfinite(log_q).all() and (np.abs(x[:, 0]) == 4).any()
    model.compile(keras.optimizers.Adam(1e-3))
    keras.utils.set_random_seed(0)
    trained = VariationalFlow(energy.unnormalized_log_prob, Chain([onto, DiagonalAffine([2])]), event_shape=(2,))
    trained.compile(keras.optimizers.Adam(1e-2))
    losses = trained.fit(steps_per_epoch=50, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.5
    kl = evaluation.reverse_divergence(trained, energy.unnormalized_log_prob, log_normalizer=energy.log_normalizer)
    # the same integral through the inverse, on a grid that is finer towards the edges, where q may have no bound
    share = 1 / (1 + np.exp(-np.linspace(-11, 11, 400)))
    side, weights = -4 + 8 * share, 8 * share * (1 - share) * 22 / 399
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype("float32")
    log_q, cells = trained.log_prob(grid).numpy().astype("float64"), np.outer(weights, weights).ravel()
    mass = np.exp(log_q) * cells
    assert mass.sum() == pytest.approx(1, abs=2e-3)
    exact = np.sum(mass * (log_q - energy.log_prob(grid)))
    assert kl.mean == pytest.approx(exact, abs=5 * kl.standard_error + 5e-3)


def test_annealing_counts_steps_and_is_over_after_them():
    model = VariationalFlow(correlated, DiagonalAffine([2]), event_shape=(2,), annealing_steps=40, seed=0)
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(steps_per_epoch=20, epochs=3, batch_size=4000, verbose=0).history
    assert int(model.steps) == 60
    x, log_q = model.sample_and_log_prob(100_000, seed=0)
    log_p = correlated(x).numpy()
    weights = np.minimum(1, 0.01 + np.arange(60) / 40).reshape(3, 20).mean(axis=1)
    np.testing.assert_allclose(history["loss"], [np.mean(log_q - w * log_p) for w in weights], atol=0.1)
    np.testing.assert_allclose(history["elbo"], np.mean(log_p - log_q), atol=0.1)


PRECISIONS = [(dtype, False) for dtype in ("float32", "float64", "mixed_float16", "mixed_bfloat16")]
PRECISIONS += [("mixed_float16", True)]  # XLA, and the scaled loss that it must not break
SLOW = [pytest.param(dtype, True, marks=pytest.mark.slow) for dtype in ("float32", "float64", "mixed_bfloat16")]


@pytest.mark.parametrize(("dtype", "jit_compile"), PRECISIONS + SLOW)
def test_precisions_and_compilation(dtype, jit_compile):
    keras.utils.set_random_seed(0)
    model = VariationalFlow(correlated, couplings(dtype), event_shape=(2,), dtype=dtype, seed=0)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=jit_compile)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (dtype == "mixed_float16")
    losses = model.fit(steps_per_epoch=32, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.1
    assert model.sample(2).dtype == ("float64" if dtype == "float64" else "float32")


def test_saved_as_an_ordinary_flow(tmp_path):
    model = fitted(couplings(), steps=20)
    x = model.sample(50, seed=0)
    model.save(tmp_path / "flow.keras")
    flow = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(flow) is FlowModel
    np.testing.assert_array_equal(flow.log_prob(x), model.log_prob(x))
    model.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(served.log_prob(x), model.log_prob(x), atol=1e-5)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    model.fit(steps_per_epoch=4, verbose=0, callbacks=[checkpoint])
    assert (tmp_path / "best.keras").is_file()


def test_what_the_target_holds_is_not_trained():
    inner = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model = VariationalFlow(
        lambda x: inner(x)[:, 0] - x[:, 0] ** 2 - x[:, 1] ** 2, DiagonalAffine([2]), event_shape=(2,)
    )
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in model.flow.trainable_variables}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda x: x, r"one value per event, shape \(8,\).*Received: shape \(8, 2\)"),
        (lambda x: tf.reduce_sum(x), r"one value per event.*Received: shape \(\)"),
        (lambda x: tf.reduce_sum(x, axis=-1) * np.nan, "must be finite. Received: nan at x = "),
        (lambda x: tf.math.log(x[:, 0] - 100), "must be finite. Received: nan at x = "),
        (lambda x: datasets.energy_1().log_prob(x.numpy()), "TensorFlow functions of x.*without a gradient"),
    ],
)
def test_bad_targets_are_refused_before_training(target, message):
    model = VariationalFlow(target, DiagonalAffine([2]), event_shape=(2,))
    model.compile("adam")
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            run(verbose=0)


def test_a_target_that_fails_on_the_way_is_refused_by_name():
    model = VariationalFlow(lambda x: tf.math.log(x[:, 0] + 5.5) - 9 * x[:, 0], DiagonalAffine([2]), event_shape=(2,))
    model.compile(keras.optimizers.Adam(0.3))
    with pytest.raises(ValueError, match="finite wherever the flow goes. Received: NaN or infinite"):
        model.fit(steps_per_epoch=64, epochs=5, verbose=0)


def test_bad_arguments():
    with pytest.raises(TypeError, match="must be a function of x. Received: 3"):
        VariationalFlow(3, DiagonalAffine([2]), event_shape=(2,))
    with pytest.raises(ValueError, match="`annealing_steps` must be an integer of at least 0. Received: -1"):
        VariationalFlow(correlated, DiagonalAffine([2]), event_shape=(2,), annealing_steps=-1)
    with pytest.raises(ValueError, match=r"must keep the shape of events, \(4,\). Received"):
        VariationalFlow(correlated, tfb.Reshape([2, 2], [4]), event_shape=(4,))
    model = VariationalFlow(correlated, DiagonalAffine([2]), event_shape=(2,))
    with pytest.raises(ValueError, match="has a loss of its own. Received: loss='mse'"):
        model.compile("adam", loss="mse")
    model.compile("adam")
    with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1. Received: 0"):
        model.fit(batch_size=0)
