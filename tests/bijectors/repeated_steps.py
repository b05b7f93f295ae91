"""Steps to repeat, as a chain and as a loop, and how the two are compared."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.bijectors import ActNorm, AffineCoupling, Chain, Permutation, Repeated
from tfflows.networks import MLP
from tfflows.ops import masks


def vector(i, policy="float32", **options):
    """A step over 4 entries with a context-free or conditional MLP, its weights far from the identity."""
    mlp = MLP(4, hidden_units=(8,), activation="tanh", zero_init=False, seed=10 * i, dtype=policy, **options)
    coupling = AffineCoupling(masks.half(4), mlp)
    mlp.dense[-1].kernel.assign(0.5 * mlp.dense[-1].kernel)
    return Chain([actnorm((4,), i), Permutation([2, 0, 3, 1]), coupling])


def actnorm(shape, i):
    actnorm, rng = ActNorm(shape), np.random.default_rng(i)
    actnorm.shift.assign(0.1 * rng.normal(size=shape[-1]))
    actnorm.log_scale.assign(0.1 * rng.normal(size=shape[-1]))
    return actnorm


def image(i, size=4, channels=4, width=8, scale=0.05):
    """Glow's step with a fixed permutation; the last convolution as after some training."""
    kinds = [
        {"filters": width, "kernel_size": 3, "activation": "relu"},
        {"filters": width, "kernel_size": 1, "activation": "relu"},
        {"filters": channels, "kernel_size": 3},
    ]
    draws = [keras.initializers.HeNormal(seed=3 * i), keras.initializers.HeNormal(seed=3 * i + 1)]
    draws.append(keras.initializers.RandomNormal(stddev=scale, seed=3 * i + 2))
    net = keras.Sequential([
        keras.layers.Conv2D(padding="same", kernel_initializer=draw, **kind) for kind, draw in zip(kinds, draws)
    ])  # fmt: skip
    net.build((None, size, size, channels // 2))
    mask = np.broadcast_to(masks.half(channels), (size, size, channels))
    order = np.random.default_rng(7).permutation(channels)
    return Chain([actnorm((size, size, channels), i), Permutation(order), AffineCoupling(mask, net)])


def both(make, repeats, **options):
    """The chain and the loop, with equal weights of their own."""
    steps = [make(i) for i in range(repeats)]
    return Chain(steps), Repeated(steps, **options)


def value_and_gradients(bijector, direction, x, context=None):
    """Of a smooth function of value and log-det: the weights as one vector a step, step after step."""
    weights = bijector.trainable_variables
    sources = [x, *([context] if context is not None and context.dtype.is_floating else [])]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y, log_det = getattr(bijector, f"{direction}_and_log_det")(x, context=context)
        loss = tf.reduce_mean(y**2) + tf.reduce_mean(tf.tanh(0.1 * y)) + tf.reduce_mean(log_det) / y.shape[1]
    gradients, by_weight = (
        (g := tape.gradient(loss, [*sources, *weights]))[: len(sources)],
        g[len(sources) :],
    )
    return [y, log_det, *gradients], by_weight


def per_step(bijector, gradients):
    """`[K, number of weights of a step]` of a chain's or a loop's gradients."""
    if isinstance(bijector, Repeated):
        order = {id(v): tf.reshape(g, [len(g), -1]) for v, g in zip(bijector.trainable_variables, gradients)}
        weights = [v.value for v in bijector.weights if v.trainable]
        return tf.concat([order[id(v)] for v in weights], axis=1)
    order = {id(v): tf.reshape(g, [-1]) for v, g in zip(bijector.trainable_variables, gradients)}
    rows = []
    for step in bijector.bijectors:
        rows.append(tf.concat([order[id(v.value)] for v in step.weights if v.trainable], axis=0))
    return tf.stack(rows)


def relative(got, expected):
    return float(tf.norm(got - expected) / tf.norm(expected))


STEPS = {
    "vector": (vector, (4,), None),
    "image": (image, (4, 4, 4), None),
    "vector_context": (lambda i: vector(i, context_size=3), (4,), "vector"),
    "class_context": (lambda i: vector(i, num_classes=3), (4,), "class"),
}
every_case = pytest.mark.parametrize("name", STEPS)
directions = pytest.mark.parametrize("direction", ["forward", "inverse"])


def inputs(name, batch=8):
    _, shape, context = STEPS[name]
    rng = np.random.default_rng(0)
    contexts = {"vector": tf.constant(rng.normal(size=(batch, 3)), tf.float32), "class": tf.range(batch) % 3}
    return tf.constant(rng.normal(size=(batch, *shape)), tf.float32), contexts.get(context)


DATA = (3.0 + 2.0 * np.random.default_rng(0).normal(size=(256, 4))).astype("float32")


def fresh(i, **options):
    return Chain([ActNorm((4,)), Permutation([2, 0, 3, 1]), AffineCoupling(masks.half(4), MLP(4, seed=i, **options))])
