"""AutoregressiveFlow and NeuralSplineFlow: every entry on every other, any event shape, conditional, fitted, saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from tfflows.datasets import banana, funnel
from tfflows.models import AutoregressiveFlow, NeuralSplineFlow, RealNVP, load_model

SMALL = {"num_layers": 2, "hidden_units": (16,)}
KINDS = {
    "maf": lambda **options: AutoregressiveFlow(**{**SMALL, **options}),
    "iaf": lambda **options: AutoregressiveFlow(parallel="forward", **{**SMALL, **options}),
    "coupling": lambda **options: NeuralSplineFlow(**{**SMALL, "bins": 4, **options}),
    "autoregressive": lambda **options: NeuralSplineFlow(kind="autoregressive", **{**SMALL, "bins": 4, **options}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
# What the graph of a forward pass has, that of an inverse loop has: "iaf" and "autoregressive" run by default.
looped_kind = pytest.mark.parametrize(
    "kind", ["iaf", "autoregressive", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("maf", "coupling"))]
)


def draws(n, *shape, seed=0):
    return (np.random.default_rng(seed).normal(size=(n, *shape)) * 3 + 1).astype("float32")


@pytest.mark.parametrize(("options", "limit"), [({"num_layers": 5}, 1.6), ({}, 3.0), ({"log_scale_bound": 0.5}, 0.5)])
def test_all_affine_layers_together_have_a_limit(options, limit):
    flow = AutoregressiveFlow((2,), **{**SMALL, **options})
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(1e3 * keras.random.normal(weight.shape, seed=i))
    layers = [each for each in flow.bijector.bijectors if each.name.startswith("layer")]
    for each in layers:
        of_both = abs(float(each.inverse_and_log_det(tf.constant([[0.3, -2.0]]))[1][0]))
        assert any(abs(of_both - total) < 1e-3 * limit for total in (0, 2 * limit))  # of like or unlike signs
    assert AutoregressiveFlow.from_config(flow.get_config()).get_config() == flow.get_config()


@every_kind
@pytest.mark.parametrize("mixing", ["none", "permutation"])
def test_every_entry_depends_on_every_other(kind, mixing):
    size = 5
    flow = KINDS[kind](event_shape=(size,), num_layers=4, mixing=mixing, seed=0)
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.3, seed=i))
    x = np.random.default_rng(0).normal(size=(1, size)).astype("float32")
    z = flow.bijector.inverse(x).numpy()
    for i in range(size):
        moved = x.copy()
        moved[0, i] += 0.5
        assert (np.abs(flow.bijector.inverse(moved).numpy() - z) > 1e-7).all(), i


@every_kind
def test_starts_as_a_standardised_normal(kind):
    flow, x = KINDS[kind](event_shape=(3,)), draws(4000, 3)
    flow.adapt(x)
    expected = -0.5 * ((x - x.mean(0)) / x.std(0)) ** 2 - 0.5 * np.log(2 * np.pi) - np.log(x.std(0))
    np.testing.assert_allclose(flow.log_prob(x), expected.sum(1), atol=2e-4)


@pytest.mark.parametrize("kind", [*KINDS, "real_nvp"])
def test_starts_as_a_whitened_normal(kind):
    x = draws(40, 3) @ np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    flow = {**KINDS, "real_nvp": lambda **options: RealNVP(**{**SMALL, **options})}[kind](event_shape=(3,), whiten=True)
    trainable = len(flow.trainable_variables)
    flow.adapt(x)
    mean, scale = x.mean(0), x.std(0)
    covariance, _ = ledoit_wolf((x - mean) / scale)
    expected = multivariate_normal(mean, covariance * np.outer(scale, scale)).logpdf(x)
    np.testing.assert_allclose(flow.log_prob(x), expected, atol=1e-4)
    plain = type(flow).from_config({n: v for n, v in flow.get_config().items() if n != "whiten"})  # a file of before
    assert len(plain.trainable_variables) == trainable and len(plain.weights) < len(flow.weights)


@every_kind
def test_any_event_shape_and_mixing(kind):
    mixing = {"maf": "lu", "iaf": "householder", "coupling": "permutation", "autoregressive": "none"}[kind]
    flow, x = KINDS[kind](mixing=mixing, tails=True, seed=1), draws(64, 2, 3, seed=2)
    flow.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    flow.fit(x, epochs=2, verbose=0)
    assert flow.event_shape == (2, 3) and flow.sample(5, seed=0).shape == (5, 2, 3)
    z = flow.encode(x)
    np.testing.assert_allclose(flow.decode(z), x, atol=1e-3)
    y, log_prob = flow.sample_and_log_prob(7, seed=0)
    np.testing.assert_allclose(flow.log_prob(y), log_prob, atol=1e-3)


@every_kind
def test_conditional(kind, tmp_path):
    context = "class" if kind in ("iaf", "coupling") else "vector"
    sizes = {"context_size": 2} if context == "vector" else {"num_classes": 3}
    given = draws(256, 2, seed=4) if context == "vector" else np.arange(256) % 3
    flow, x = KINDS[kind](event_shape=(3,), seed=1, **sizes), draws(256, 3)
    x[:, 0] += given if context == "class" else given[:, 0]
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(x, given, epochs=3, verbose=0)
    other = np.roll(given, 1, axis=0)
    assert np.abs(flow.log_prob(x, given) - flow.log_prob(x, other)).max() > 1e-2
    assert flow.sample(256, context=given, seed=0).shape == (256, 3)
    flow.save(tmp_path / "flow.keras")
    loaded = load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(x, given), flow.log_prob(x, given))


@every_kind
def test_config_round_trip(kind):
    flow = KINDS[kind](event_shape=(3,), context_size=2, activation="gelu", residual=True, mixing="householder", seed=3)
    again = type(flow).from_config(flow.get_config())
    assert again.get_config() == flow.get_config()
    for a, b in zip(again.variables, flow.variables, strict=True):
        np.testing.assert_array_equal(a, b)


@looped_kind
def test_saved_model(kind, tmp_path):
    flow, x = KINDS[kind](event_shape=(3,), seed=0), draws(40, 3)
    flow.adapt(x)
    flow.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(served.log_prob(x), flow.log_prob(x), atol=1e-5)
    z = flow.encode(x)
    np.testing.assert_allclose(served.forward(z), x, atol=1e-4)
    assert served.sample(4, [0, 3], 1.0).shape == (4, 3)


@pytest.mark.parametrize("kind", ["maf", "iaf", "autoregressive"])
def test_events_of_one_entry(kind):
    flow, x = KINDS[kind](event_shape=(1,), context_size=1), draws(64, 1)
    flow.compile("adam", run_eagerly=True)
    flow.fit(x, x, verbose=0)
    assert np.isfinite(flow.log_prob(x, x)).all()


@pytest.mark.parametrize("kind", ["maf", "coupling", "autoregressive"])
def test_learns_a_banana(kind):
    keras.utils.set_random_seed(0)
    density = banana()
    flow = KINDS[kind](event_shape=(2,), hidden_units=(32, 32))
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 600)))
    flow.fit(density.sample(50_000, seed=0), batch_size=500, epochs=6, verbose=0)
    x = density.sample(20_000, seed=1)
    assert (density.log_prob(x) - flow.log_prob(x).numpy()).mean() < 0.05


@pytest.mark.slow
def test_tails_outside_the_box_are_fitted():
    """A funnel: without the learned tails and the affine part, most of its gap stays."""
    density, gaps = funnel(dimensions=5), {}
    for learned in (True, False):
        keras.utils.set_random_seed(0)
        flow = NeuralSplineFlow((5,), num_layers=4, hidden_units=(64, 64), tails=learned, affine=learned)
        flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 1000), global_clipnorm=1.0))
        flow.fit(density.sample(100_000, seed=0), batch_size=500, epochs=5, verbose=0)
        x = density.sample(20_000, seed=1)
        gaps[learned] = (density.log_prob(x) - flow.log_prob(x).numpy()).mean()
    assert gaps[True] < 0.6 * gaps[False]


def test_far_away_inputs_have_finite_log_probabilities():
    for kind in KINDS:
        flow = KINDS[kind](event_shape=(3,), seed=0)
        for i, weight in enumerate(flow.trainable_variables):
            weight.assign_add(keras.random.normal(weight.shape, stddev=0.1, seed=i))
        assert np.isfinite(flow.log_prob(1e6 * draws(20, 3))).all(), kind


def test_what_does_not_fit_is_refused():
    for model in (AutoregressiveFlow, NeuralSplineFlow):
        with pytest.raises(ValueError, match="`mixing` must be one of .*Received: 'qr'"):
            model(mixing="qr")
        with pytest.raises(ValueError, match="`num_layers` must be an integer of at least 1. Received: 0"):
            model(num_layers=0)
        with pytest.raises(ValueError, match=r"`event_shape` must be known and have at least . entr.*Received: \(\)"):
            model(event_shape=())
    with pytest.raises(ValueError, match=r"at least 2 entries. Received: \(1,\), which .*'autoregressive'\) and Auto"):
        NeuralSplineFlow(event_shape=(1,))
    with pytest.raises(ValueError, match="`bins` must be an integer of at least 2. Received: 1"):
        NeuralSplineFlow(bins=1)
    with pytest.raises(ValueError, match="`kind` must be one of .*Received: 'splines'"):
        NeuralSplineFlow(kind="splines")
    with pytest.raises(ValueError, match="`num_layers` must be at least 2, or one half is never"):
        NeuralSplineFlow(num_layers=1)
    with pytest.raises(ValueError, match="`parallel` must be one of .*'inverse', 'forward'.*Received: None"):
        AutoregressiveFlow(parallel=None)
    flow = NeuralSplineFlow((2,), context_size=3)
    with pytest.raises(ValueError, match=r"`context` must have last axis 3. Received: shape \(4, 2\)"):
        flow.log_prob(np.zeros([4, 2], "float32"), np.zeros([4, 2], "float32"))


@pytest.mark.parametrize("model", [RealNVP, NeuralSplineFlow, AutoregressiveFlow])
def test_numbers_are_no_events_and_who_takes_one_entry_is_said(model):
    flow = model(num_layers=2, hidden_units=(4,))
    flow.compile("adam")
    with pytest.raises(ValueError, match=r"Received: \(\), " + ("which" if model is RealNVP else "numbers; as .*None")):
        flow.fit(draws(64), verbose=0)
    if model is not AutoregressiveFlow:
        with pytest.raises(
            ValueError, match=r"Received: \(1,\), which couplings cannot split; NeuralSplineFlow\(kind="
        ):
            flow.fit(draws(64, 1), verbose=0)
