"""The masked autoregressive network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.networks import MADE

OPTIONS = {
    "sequential": {},
    "reversed": {"order": "reversed"},
    "random": {"order": "random", "degrees": "random", "seed": 3},
    "given": {"order": [2, 0, 3, 1]},
    "residual": {"residual": True, "degrees": "random", "hidden_units": (9, 9, 9)},
    "context": {"context_size": 2},
    "classes": {"num_classes": 3, "order": "random"},
    "linear": {"hidden_units": ()},
    "linear_context": {"hidden_units": (), "context_size": 2},
    "angles": {"num_angles": 2, "context_size": 2, "order": [2, 0, 3, 1]},
    "narrow": {"hidden_units": (2,)},
}
every_option = pytest.mark.parametrize("name", OPTIONS)


def made(size=4, **options):
    return MADE(size, **{"hidden_units": (16, 16), "zero_init": False, "activation": "tanh", "seed": 1, **options})


def inputs_for(layer, batch=5, seed=0):
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.normal(size=(batch, layer.event_size)), tf.float32)
    if layer.context_size:
        return x, tf.constant(rng.normal(size=(batch, layer.context_size)), tf.float32)
    return x, tf.constant(rng.integers(0, layer.num_classes, batch)) if layer.num_classes else None


def run(layer, x, context):
    return layer(x if context is None else [x, context])


def jacobian(layer, x, context):
    """`|d output j of entry i / d x_k|`, the largest over the batch: `[outputs, D, D]`."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(layer, x, context)
    found = tf.reduce_max(tf.abs(tape.batch_jacobian(y, x)), axis=0)
    return tf.reshape(found, [layer.num_outputs, layer.event_size, layer.event_size]).numpy()


@every_option
def test_outputs_see_the_entries_before_them_and_no_others(name):
    layer = made(num_outputs=3, **OPTIONS[name])
    x, context = inputs_for(layer)
    place = np.argsort(layer.order)
    before = place[:, None] > place[None, :]
    found = jacobian(layer, x, context)
    assert (found[:, ~before] == 0).all()
    if name not in ("random", "residual", "narrow"):  # there masks may cut what the order allows
        assert (found[:, before] > 0).all()


@pytest.mark.parametrize("name", ["context", "classes", "linear_context"])
def test_every_output_sees_the_context(name):
    layer = made(**OPTIONS[name])
    x, context = inputs_for(layer)
    other = context + 1 if layer.context_size else (context + 1) % layer.num_classes
    assert (np.abs(run(layer, x, context) - run(layer, x, other)).max(0) > 0).all()


def test_one_entry():
    np.testing.assert_array_equal(jacobian(made(1), tf.ones([3, 1]), None), 0.0)
    layer = made(1, context_size=2)
    assert np.abs(layer([tf.ones([1, 1]), tf.ones([1, 2])]) - layer([tf.ones([1, 1]), tf.zeros([1, 2])])).min() > 0


def test_orders():
    assert MADE(3).order.tolist() == [0, 1, 2]
    assert MADE(3, order="reversed").order.tolist() == [2, 1, 0]
    assert MADE(3, order=(1, 2, 0)).order.tolist() == [1, 2, 0]
    orders = [MADE(20, order="random", seed=seed).order.tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2] and sorted(orders[0]) == list(range(20))


def test_the_program_s_seed_decides_where_none_is_given():
    orders = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        orders.append(MADE(20, order="random").order.tolist())
    assert orders[0] == orders[1]


@every_option
def test_config_round_trip(name):
    options = {**OPTIONS[name], "seed": None}
    layer = made(**options)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(loaded) is MADE and loaded.get_config() == layer.get_config()
    x, context = inputs_for(layer)
    run(layer, x, context), run(loaded, x, context)
    loaded.set_weights(layer.get_weights())
    np.testing.assert_array_equal(run(loaded, x, context), run(layer, x, context))


def test_starts_at_zero_and_makes_all_weights_in_build():
    layer = MADE(3, hidden_units=(8, 8), num_outputs=2)
    layer.build((None, 3))
    assert [w.path.split("/", 1)[1] for w in layer.weights] == [
        f"dense_{i}/{kind}" for i in range(3) for kind in ("kernel", "bias")
    ]
    y = layer(tf.ones([5, 3]))
    np.testing.assert_array_equal(y, np.zeros([5, 6]))
    assert layer.compute_output_shape((5, 3)) == y.shape


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    half, full = made(dtype=policy, context_size=2), made(context_size=2)
    x, context = inputs_for(full)
    y = half([x, context])
    assert y.dtype == tf.float32 and {v.dtype for v in half.weights} == {"float32"}
    np.testing.assert_allclose(y, full([x, context]), atol=0.05)
    assert np.abs(y - full([x, context])).max() > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event_size": 0}, "`event_size` must be an integer of at least 1. Received: 0"),
        ({"num_outputs": 0}, "`num_outputs` must be an integer of at least 1. Received: 0"),
        ({"order": [0, 0, 1, 2]}, "`order` must hold each of 0 ... 3 once. Received: "),
        ({"order": "backwards"}, "`order` must be one of .*Received: 'backwards'"),
        ({"degrees": "many"}, '`degrees` must be "sequential", "random" or degrees. Received: \'many\''),
        ({"degrees": [[1] * 16]}, "`degrees` must hold for every hidden layer its .* Received: "),
        ({"degrees": [[4] * 16, [1] * 16]}, "integers from 0 to 3. Received: "),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        made(**{"size": 4, **options}) if "event_size" not in options else MADE(**options)


def test_events_of_another_size():
    with pytest.raises(ValueError, match=r"expects events of size 4. Received: shape \(2, 3\)"):
        made()(tf.ones([2, 3]))


def test_spread_biases():
    net = MADE(4, hidden_units=(400, 400), spread_biases=True, seed=0)
    net(tf.ones([2, 4]))
    for layer, fan_in in zip(net.dense, (4, 400)):
        np.testing.assert_allclose(np.abs(layer.bias.numpy()).max(), 0.5 * fan_in**-0.5, rtol=0.03)
    assert not net.dense[-1].bias.numpy().any()
