"""Float contexts reach networks standardised, in every model and every use; events of any unit are fitted alike."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.joint.context_standardization import ContextStandardization
from tfflows.models import AutoregressiveFlow, FlowModel, Glow, NeuralSplineFlow, RealNVP, TransformerFlow, load_model
from tfflows.ops import standardization

tfb, tfd = tfp.bijectors, tfp.distributions
rng = np.random.default_rng(0)
U = rng.normal(size=(600, 1))
X = np.stack([np.sin(2 * U[:, 0]), U[:, 0] ** 2], axis=1) + 0.3 * rng.normal(size=(600, 2))
RAW, SECONDS = 5000 + 500 * U, 1.6e9 + 50 * U  # the second has 9 values in float32
SMALL = {"num_layers": 2, "hidden_units": (8,), "context_size": 1, "seed": 0}


def adapted(flow, x, context):
    """A flow that has seen the data, its weights moved so that everything counts."""
    flow.adapt(x, context)
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.1, seed=i))
    return flow


@pytest.mark.parametrize("model", [RealNVP, NeuralSplineFlow, AutoregressiveFlow])
def test_unit_of_a_context_does_not_matter(model):
    x = X.astype("float32")
    wanted = adapted(model((2,), **SMALL), x, U).log_prob(x, U)
    for raw in (RAW, SECONDS):
        found = adapted(model((2,), **SMALL), x, raw)
        np.testing.assert_allclose(found.log_prob(x, raw), wanted, atol=1e-4)
    assert np.ptp(found.log_prob(x, raw + 50) - wanted) > 1e-3, "the context is not used"


def test_a_fit_takes_contexts_as_they_come():
    losses = []
    for context in (U, SECONDS):
        flow = RealNVP((2,), **SMALL)
        keras.utils.set_random_seed(0)
        flow.compile(keras.optimizers.Adam(1e-2))
        losses.append(flow.fit(X.astype("float32"), context, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, atol=1e-3)


@pytest.mark.parametrize(
    "flow",
    [
        lambda: Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, context_size=1, seed=0),
        lambda: RealNVP((4, 4, 1), num_levels=1, num_blocks=1, hidden_filters=4, context_size=1, seed=0),
        lambda: TransformerFlow((4, 4, 1), num_flows=1, units=8, num_heads=1, num_blocks=1, context_size=1, seed=0),
    ],
    ids=["glow", "real_nvp", "transformer_flow"],
)
def test_unit_of_a_context_of_images_does_not_matter(flow):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1)).astype("uint8")
    y = images + np.float32(0.5)
    first, second = (adapted(flow(), images, context[:20]) for context in (U, RAW))
    wanted = first.log_prob(y, U[:20]).numpy()
    np.testing.assert_allclose(second.log_prob(y, RAW[:20]), wanted, rtol=1e-4)
    assert np.ptp(second.log_prob(y, RAW[:20] + 500) - wanted) > 1e-3, "the context is not used"


def test_all_uses_agree_and_what_is_saved_says_the_same(tmp_path):
    x, context = X.astype("float32"), RAW.astype("float32")
    flow = adapted(RealNVP((2,), **SMALL), x, RAW)
    expected = flow.log_prob(x, context).numpy()
    layer = next(each for each in flow.layers if isinstance(each, ContextStandardization))
    assert layer.name == "chain_context" and not layer.trainable_variables
    np.testing.assert_allclose(layer.location, RAW.mean(0), rtol=1e-6)
    np.testing.assert_allclose(flow.distribution.log_prob(x, bijector_kwargs={"context": context}), expected, atol=1e-5)
    np.testing.assert_allclose(flow.predict((x, context), verbose=0), expected, atol=1e-5)
    inputs = keras.Input((2,)), keras.Input((1,))
    np.testing.assert_allclose(keras.Model(inputs, flow(inputs))([x, context]), expected, atol=1e-5)
    np.testing.assert_allclose(flow.decode(flow.encode(x, context), context), x, atol=1e-4)
    flow.save(tmp_path / "flow.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "flow.keras").log_prob(x, context), expected)
    flow.export(tmp_path / "saved")
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(saved.log_prob(x, context), expected, atol=1e-5)
    copied = flow.bijector.__deepcopy__({})
    np.testing.assert_array_equal(copied.inverse(x, context=context), flow.bijector.inverse(x, context=context))


def test_a_chain_of_ones_own():
    net = networks.MLP(2, context_size=1, hidden_units=(4,), zero_init=False, seed=0)
    coupling = bijectors.AffineCoupling([1, 0], net)
    chains = [bijectors.Chain([coupling], context_size=1), bijectors.Chain([coupling])]
    flow = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), 2), chains[0]), context_size=1)
    x = X.astype("float32")
    assert not flow.adapted
    np.testing.assert_array_equal(*(chain.inverse(x, context=tf.constant(U)) for chain in chains))  # as it comes
    flow.adapt(x, RAW)
    assert flow.adapted
    scaled = (RAW - RAW.mean(0)) / RAW.std(0)
    np.testing.assert_allclose(
        chains[0].inverse(x, context=tf.constant(RAW)), chains[1].inverse(x, context=tf.constant(scaled)), atol=1e-6
    )
    with pytest.raises(ValueError, match="`context` must have last axis 1. Received: shape"):
        chains[0].inverse(x, context=tf.constant(np.concatenate([RAW, RAW], axis=1)))
    with pytest.raises(ValueError, match="`context_size` must be an integer of at least 1. Received: 0"):
        bijectors.Chain([coupling], context_size=0)


@pytest.mark.parametrize("unit", [1e-9, 1e-21, 1e12])
def test_unit_of_an_event_does_not_matter(unit):
    x = X.astype("float32")
    options = {**SMALL, "context_size": None}
    wanted = adapted(NeuralSplineFlow((2,), **options), x, None)
    flow = adapted(NeuralSplineFlow((2,), **options), (X * unit).astype("float32"), None)
    found = flow.log_prob((X * unit).astype("float32")) + 2 * np.log(unit)
    np.testing.assert_allclose(found, wanted.log_prob(x), atol=1e-3)
    spread = flow.sample(1000, seed=0).numpy().std(0) / unit
    np.testing.assert_allclose(spread, wanted.sample(1000, seed=0).numpy().std(0), rtol=0.01)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_location_and_scale(dtype):
    rows = np.stack([X[:, 0], 1e-21 * X[:, 0], 3 + 0 * U[:, 0], 0 * U[:, 0], 7 + 1e-9 * U[:, 0]], axis=1).astype(dtype)
    location, scale, varies = standardization.location_and_scale(rows)
    np.testing.assert_allclose(location, rows.astype("float64").mean(0), rtol=1e-12, atol=1e-40)
    assert varies.tolist() == [True, True, False, False, dtype == "float64"]
    np.testing.assert_allclose(
        scale[:2], np.std(X[:, 0].astype(dtype).astype("float64")) * np.array([1, 1e-21]), rtol=1e-6
    )
    np.testing.assert_allclose(scale[2:4], [3e-6, 1e-6])
