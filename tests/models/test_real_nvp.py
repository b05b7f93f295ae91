"""RealNVP: conditional, of any size, fitted to a density that is known."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.datasets import banana
from tfflows.models import RealNVP


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_every_dimension_depends_on_every_other(size):
    keras.utils.set_random_seed(0)
    flow = RealNVP(event_shape=(size,), num_layers=6, hidden_units=(16,))
    for weight in flow.trainable_variables:
        weight.assign(keras.random.normal(weight.shape, stddev=0.5, seed=len(weight.path)))
    x = np.random.default_rng(0).normal(size=(1, size)).astype("float32")
    z = flow.bijector.inverse(x).numpy()
    for i in range(size):
        moved = x.copy()
        moved[0, i] += 0.5
        assert (np.abs(flow.bijector.inverse(moved).numpy() - z) > 1e-7).all(), i


def test_learns_a_banana():
    keras.utils.set_random_seed(0)
    density = banana()
    flow = RealNVP(event_shape=(2,), num_layers=4, hidden_units=(32, 32))
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 600)))
    flow.fit(density.sample(50_000, seed=0), batch_size=500, epochs=6, verbose=0)
    x = density.sample(20_000, seed=1)
    gap = (density.log_prob(x) - flow.log_prob(x).numpy()).mean()
    assert gap < 0.05


def test_learns_a_conditional_density():
    """x | c ~ N(c, 1) + N(2 c, 0.25): the density of the right context is exact."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    context = rng.uniform(-1, 1, (20_000, 1)).astype("float32")
    x = (context * [1.0, 2.0] + rng.normal(size=(20_000, 2)) * [1.0, 0.5]).astype("float32")
    flow = RealNVP(event_shape=(2,), num_layers=4, hidden_units=(32,), context_size=1)
    flow.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 400)))
    flow.fit(x, context, batch_size=500, epochs=10, verbose=0)
    entropy = np.log(2 * np.pi * np.e) + np.log(0.5)
    assert abs(flow.evaluate(x, context, verbose=0) - entropy) < 0.03
    samples = flow.sample(4000, context=np.array([0.8], "float32"), seed=0).numpy()
    np.testing.assert_allclose(samples.mean(0), [0.8, 1.6], atol=0.08)


def test_seed_fixes_permutations_and_weights():
    first, second = (RealNVP(event_shape=(5,), num_layers=4, seed=3) for _ in range(2))
    for a, b in zip(first.variables, second.variables):
        np.testing.assert_array_equal(a, b)


def test_config_round_trip():
    flow = RealNVP(event_shape=(3,), num_layers=3, hidden_units=(8,), context_size=2, activation="gelu", residual=True)
    again = RealNVP.from_config(flow.get_config())
    assert again.get_config() == flow.get_config()
    assert [v.shape for v in again.variables] == [v.shape for v in flow.variables]


def test_filters_of_images_double_at_every_squeeze():
    flow = RealNVP(image_shape=(8, 8, 1), num_levels=3, hidden_filters=3, num_blocks=1)
    found = {}
    for weight in flow.weights:
        match = re.search(r"network_(\w+)_(\d)_\d/conv_first/kernel", weight.path)
        if match:
            found.setdefault((match[1], int(match[2])), set()).add(weight.shape[-1])
    expected = {("checkerboard", level): {3 * 2**level} for level in range(3)}
    assert found == expected | {("channel_half", level): {6 * 2**level} for level in range(2)}


@pytest.mark.parametrize(("options", "limit"), [({}, 1.0), ({"num_layers": 2}, 3.0), ({"log_scale_bound": 0.5}, 0.5)])
def test_all_couplings_of_vectors_together_have_a_limit(options, limit):
    flow = RealNVP((2,), hidden_units=(4,), **options)
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(1e3 * keras.random.normal(weight.shape, seed=i))
    couplings = [each for each in flow.bijector.bijectors if each.name.startswith("coupling")]
    log_scales = [abs(float(each.inverse_and_log_det(tf.constant([[0.3, -2.0]]))[1][0])) for each in couplings]
    np.testing.assert_allclose(log_scales, limit, rtol=1e-3)
    assert flow.get_config()["log_scale_bound"] == options.get("log_scale_bound")
    assert RealNVP.from_config(flow.get_config()).get_config() == flow.get_config()
