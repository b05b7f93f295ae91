"""The causal transformer: what an output sees, token by token as all at once, what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.networks import Transformer

CONTEXTS = {"none": {}, "vector": {"context_size": 2}, "class": {"num_classes": 3}}
every_context = pytest.mark.parametrize("context", CONTEXTS)


def transformer(shape=(5, 3), **options):
    options = {"num_blocks": 2, "units": 8, "num_heads": 2, "zero_init": False, "seed": 1, **options}
    return Transformer(shape, **options)


def inputs_for(network, batch=4, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.normal(size=(batch, *network.event_shape)), dtype)
    if network.context_size:
        return [x, tf.constant(rng.normal(size=(batch, network.context_size)), dtype)]
    return [x, tf.constant(rng.integers(0, network.num_classes, batch))] if network.num_classes else x


def test_outputs_of_a_token_see_the_tokens_before_it_and_no_others():
    network = transformer(dtype="float64")
    x = inputs_for(network)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x)
    found = tf.reduce_max(tf.abs(tape.batch_jacobian(y, x)), axis=[0, 2, 4]).numpy()  # of each token on each
    before = np.tri(5, k=-1, dtype=bool)
    assert (found[~before] == 0).all() and (found[before] > 1e-6).all()


@every_context
def test_token_by_token_is_a_pass(context):
    network = transformer(dtype="float64", **CONTEXTS[context])
    inputs = inputs_for(network)
    x = inputs[0] if CONTEXTS[context] else inputs
    expected, steps = network(inputs), network.token_by_token(inputs)
    state, token = steps.start, tf.zeros_like(x[:, 0])
    for t in range(5):
        outputs, state = steps(tf.constant(t), token, state)
        np.testing.assert_allclose(outputs, expected[:, t], rtol=1e-12, atol=1e-13)
        token = x[:, t]


@every_context
def test_against_a_plain_implementation(context):
    """In numpy, head by head and token by token."""
    network = transformer(dtype="float64", num_blocks=1, **CONTEXTS[context])
    inputs = inputs_for(network, batch=2)
    found = network(inputs)
    block, place = network.blocks[0], network.place.numpy()
    x, given = inputs if CONTEXTS[context] else (inputs, None)

    def normed(h):
        return (h - h.mean()) / np.sqrt(h.var() + 1e-5)

    def linear(h, layer):
        return h @ layer.kernel.numpy() + layer.bias.numpy()

    for b in range(2):
        h = [linear(np.zeros(3) if t == 0 else x[b, t - 1].numpy(), network.embedding) for t in range(5)]
        h = [each + row for each, row in zip(h, place)]
        if given is not None:
            kernel = network.context_kernel.numpy()
            row = given[b].numpy() @ kernel if context == "vector" else kernel[int(given[b])]
            h = [each + row for each in h]
        qkv = [np.split(linear(normed(each), block.qkv), 6) for each in h]  # 2 heads each
        for t in range(5):
            heads = []
            for head in range(2):
                scores = np.array([qkv[t][head] @ qkv[s][2 + head] for s in range(t + 1)]) / np.sqrt(4)
                share = np.exp(scores) / np.exp(scores).sum()
                heads.append(sum(w * qkv[s][4 + head] for s, w in enumerate(share)))
            h[t] = h[t] + linear(np.concatenate(heads), block.attended)
        for t in range(5):
            inner = linear(normed(h[t]), block.expanded)
            h[t] = h[t] + linear(tf.nn.gelu(inner).numpy(), block.contracted)
            np.testing.assert_allclose(found[b, t], linear(normed(h[t]), network.last), rtol=1e-10, atol=1e-12)


def test_no_label_adds_nothing():
    network = transformer(num_classes=3, dtype="float64")
    x, labels = inputs_for(network)
    without = network([x, -tf.ones_like(labels)])
    assert np.abs(without - network([x, labels])).max() > 1e-6
    network.context_kernel.assign(tf.zeros_like(network.context_kernel))
    np.testing.assert_array_equal(network([x, labels]), without)


def test_starts_at_zero_and_follows_its_seed():
    assert not np.any(transformer(zero_init=True)(tf.ones([1, 5, 3])))
    one, same, other = transformer(), transformer(), transformer(seed=2)
    x = inputs_for(one, dtype="float32")
    np.testing.assert_array_equal(one(x), same(x))
    assert np.abs(one(x) - other(x)).max() > 1e-3
    kernels = [v.numpy() for v in one.weights if v.ndim == 2]
    assert all(not np.array_equal(a, b) for i, a in enumerate(kernels) for b in kernels[:i])


def test_config_round_trip():
    network = transformer(num_classes=3, num_outputs=4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    assert again.get_config() == network.get_config()
    assert network.compute_output_shape((None, 5, 3)) == (None, 5, 12)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    exact, half = transformer(dtype="float32"), transformer(dtype=policy)
    x = inputs_for(exact, dtype="float32")
    assert half(x).dtype == tf.float32 and half.blocks[0].qkv.compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(half(x), exact(x), atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (5,)}, "tokens, size of a token"),
        ({"shape": (5, 0)}, "`event_shape` must be integers of at least 1"),
        ({"shape": (None, 3)}, "`event_shape` must be integers"),
        ({"units": 9}, "`units` must be a multiple of `num_heads`, 2. Received: 9"),
        ({"num_blocks": 0}, "`num_blocks` must be an integer of at least 1"),
        ({"num_classes": 2, "context_size": 2}, "either a vector"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        transformer(**options)


def test_bad_inputs():
    with pytest.raises(ValueError, match=r"expects \[batch, 5, 3\]. Received: shape \(2, 5, 4\)"):
        transformer()(tf.zeros([2, 5, 4]))
    with pytest.raises(ValueError, match="must have last axis 2"):
        transformer(context_size=2)([tf.zeros([2, 5, 3]), tf.zeros([2, 3])])
