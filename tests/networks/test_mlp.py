"""The MLP conditioner."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.networks import MADE, MLP


def _mlp(units=3, **options):
    return MLP(units, **{"hidden_units": (8, 8), "zero_init": False, "seed": 1, **options})


def _round_trip(layer):
    config = keras.saving.serialize_keras_object(layer)
    return keras.saving.deserialize_keras_object(config)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"residual": True, "activation": "gelu"},
        {"context_size": 4},
        {"num_classes": 5, "zero_init": True},
        {"dtype": "mixed_bfloat16", "hidden_units": ()},
    ],
    ids=str,
)
def test_config_round_trip(options):
    layer = _mlp(**options)
    loaded = _round_trip(layer)
    assert type(loaded) is MLP and loaded.get_config() == layer.get_config()
    x = tf.ones([2, 6])
    inputs = {"context_size": [x, tf.ones([2, 4])], "num_classes": [x, tf.constant([0, 4])]}
    given = next((inputs[name] for name in options if name in inputs), x)
    layer(given), loaded(given)
    loaded.set_weights(layer.get_weights())
    np.testing.assert_array_equal(loaded(given), layer(given))
    assert loaded.compute_dtype == layer.compute_dtype


def test_starts_at_zero():
    np.testing.assert_array_equal(MLP(4, hidden_units=(8,))(tf.ones([5, 3])), np.zeros([5, 4]))


def test_the_seed_decides():
    one, same, other = _mlp(), _mlp(), _mlp(seed=2)
    x = tf.ones([2, 3])
    np.testing.assert_array_equal(one(x), same(x))
    assert np.abs(one(x) - other(x)).max() > 1e-3


def test_spread_biases():
    net = MLP(4, hidden_units=(500, 300), spread_biases=True, seed=0)
    net(tf.ones([2, 3]))
    first, second, last = (layer.bias.numpy() for layer in net.dense)
    for bias, fan_in in ((first, 3), (second, 500)):
        np.testing.assert_allclose([bias.min(), bias.max()], [-0.5 * fan_in**-0.5, 0.5 * fan_in**-0.5], rtol=0.03)
        np.testing.assert_allclose(bias.std(), (12 * fan_in) ** -0.5, rtol=0.1)
    assert not last.any()
    again = MLP(4, hidden_units=(500, 300), spread_biases=True, seed=0)
    again(tf.ones([2, 3]))
    np.testing.assert_array_equal(again.dense[0].bias, first)
    assert not np.array_equal(first[:300], second * 500**0.5 / 3**0.5)


@pytest.mark.parametrize("make", [lambda **k: MLP(6, **k), lambda **k: MADE(3, num_outputs=2, **k)])
def test_outputs_start_where_they_are_told(make):
    outputs = make(hidden_units=(4,), output_start=(0.5, -2.0))(np.ones([2, 3], "float32"))
    np.testing.assert_array_equal(outputs, [[0.5] * 3 + [-2.0] * 3] * 2)
    with pytest.raises(ValueError, match="dividing the 6 outputs. Received: 4 numbers"):
        make(hidden_units=(4,), output_start=np.zeros(4))(np.ones([2, 3], "float32"))


def test_all_weights_exist_after_build():
    layer = _mlp(context_size=2)
    layer.build((None, 3))
    names = [v.path.split("/", 1)[1] for v in layer.weights]
    assert names == [f"dense_{i}/{kind}" for i in range(3) for kind in ("kernel", "bias")]
    assert layer.weights[0].shape == (5, 8)
    assert layer.compute_output_shape((7, 3)) == layer([tf.ones([7, 3]), tf.ones([7, 2])]).shape == (7, 3)


def test_residual_adds_hidden_layers_of_equal_width():
    layer = _mlp(residual=True, hidden_units=(8, 8, 4), activation="tanh")
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 8)), tf.float32)
    h = x
    for dense in layer.dense[:2]:
        layer(x)
        h = h + tf.tanh(h @ dense.kernel + dense.bias)
    h = tf.tanh(h @ layer.dense[2].kernel + layer.dense[2].bias)
    np.testing.assert_allclose(layer(x), h @ layer.dense[3].kernel + layer.dense[3].bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [(5,), (2, 5), (0,)], ids=str)
def test_one_context_vector_for_all(batch):
    layer, x, c = _mlp(context_size=4), tf.ones((*batch, 3)), tf.constant([1.0, -1.0, 0.5, 2.0])
    expected = layer([x, tf.broadcast_to(c, (*batch, 4))])
    assert expected.shape == (*batch, 3)
    np.testing.assert_allclose(layer([x, c]), expected, rtol=1e-6)
    np.testing.assert_allclose(layer([x, c[None]]), expected, rtol=1e-6)


@pytest.mark.parametrize("batch", [(5,), (2, 5)], ids=str)
def test_one_label_for_all(batch):
    layer, x = _mlp(num_classes=4), tf.ones((*batch, 3))
    for label in (0, 3):
        expected = layer([x, tf.fill(batch, label)])
        np.testing.assert_allclose(layer([x, tf.constant(label)]), expected, rtol=1e-6)
        np.testing.assert_allclose(layer([x, tf.constant(label, tf.int64)]), expected, rtol=1e-6)
    assert np.abs(layer([x, tf.constant(0)]) - layer([x, tf.constant(3)])).max() > 1e-3


def test_the_context_matters():
    layer, x = _mlp(context_size=4), tf.ones((1, 3))
    assert np.abs(layer([x, tf.zeros([1, 4])]) - layer([x, tf.ones([1, 4])])).max() > 1e-3


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_computes_in_half_precision_but_for_the_last_layer(policy):
    layer, half = _mlp(dtype=policy, context_size=4), policy.removeprefix("mixed_")
    seen = []
    for dense in layer.dense:

        def recorded(x, _call=dense.call):
            out = _call(x)
            seen.append(out.dtype.name)
            return out

        dense.call = recorded
    assert layer([tf.ones([2, 3]), tf.ones([2, 4])]).dtype == tf.float32
    assert seen == [half] * (len(layer.dense) - 1) + ["float32"]
    assert {v.dtype for v in layer.weights} == {"float32"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "`units` must be an integer of at least 1. Received: 0"),
        ({"units": 2.0}, "`units` must be an integer of at least 1. Received: 2.0"),
        ({"hidden_units": (8, 0)}, "`hidden_units` must be integers of at least 1"),
        ({"context_size": -1}, "`context_size` must be an integer of at least 1. Received: -1"),
        ({"num_classes": 0}, "`num_classes` must be an integer of at least 1. Received: 0"),
        ({"context_size": 2, "num_classes": 3}, "Received: context_size=2, num_classes=3"),
    ],
)
def test_bad_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _mlp(**options)


@pytest.mark.parametrize(
    ("options", "inputs", "message"),
    [
        ({"context_size": 2}, tf.ones([2, 3]), r"expects the pair \(x, context\)"),
        ({}, [tf.ones([2, 3]), tf.ones([2, 2])], "expects one tensor x"),
        ({"context_size": 2}, [tf.ones([2, 3]), tf.ones([2, 5])], r"last axis 2. Received: shape \(2, 5\)"),
    ],
)
def test_bad_contexts_are_refused(options, inputs, message):
    layer = _mlp(**options)
    layer.build((None, 3))
    with pytest.raises(ValueError, match=message):
        layer(inputs)


def test_angles_are_seen_by_cosine_and_sine():
    network = MLP(3, hidden_units=(8,), num_angles=2, zero_init=False, context_size=1, seed=0)
    x, context = tf.constant([[0.5, 1.0, -3.0], [2.0, 3.0, 0.1]]), tf.ones([2, 1])
    y = network([x, context])
    plain = MLP(3, hidden_units=(8,), zero_init=False, context_size=1)
    plain.build((None, 5))
    plain.set_weights(network.get_weights())
    seen = tf.concat([x[:, :1], tf.cos(x[:, 1:]), tf.sin(x[:, 1:])], axis=-1)
    np.testing.assert_array_equal(y, plain([seen, context]))
    again = MLP.from_config(network.get_config())
    assert again.num_angles == 2
    with pytest.raises(ValueError, match="`num_angles` must be an integer of at least 0. Received: -1"):
        MLP(3, num_angles=-1)
