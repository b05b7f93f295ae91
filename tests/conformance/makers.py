"""How the table's bijectors are made: with weights away from zero and from the identity, the same in every call."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from case_of_table import bijection_dtype
from trees import nudge

from tfflows.bijectors import (
    ActNorm,
    AdditiveCoupling,
    AffineCoupling,
    AutoregressiveSpline,
    Chain,
    DiagonalAffine,
    FactorOut,
    Householder,
    InverseAutoregressive,
    InvertibleConv,
    Logit,
    Patches,
    Permutation,
    Planar,
    Radial,
    Repeated,
    SplineCoupling,
    Squeeze,
    Sylvester,
    TransformerAutoregressive,
)
from tfflows.networks import MADE, MLP, ContextLinear, ConvNet, ConvResNet, Transformer
from tfflows.ops import masks

tfb = tfp.bijectors


def mlp(policy, units, seed=1, activation="tanh", **options):
    return MLP(units, hidden_units=(8, 8), activation=activation, zero_init=False, seed=seed, dtype=policy, **options)


def conv(policy, channels, units, seed=1):
    def layer(i, filters, activation):
        glorot = keras.initializers.GlorotUniform(seed=seed + i)
        return keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer=glorot,
                                   dtype=policy, name=f"conv_{i}")  # fmt: skip

    net = keras.Sequential([layer(0, 6, "tanh"), layer(1, units, None)], name=f"conv_net_{seed}")
    net.build((None, 4, 4, channels))
    return net


def affine(policy, mask, seed=1, *, bound="tanh", name="affine", **options):
    return AffineCoupling(mask, mlp(policy, 2 * int((~mask).sum()), seed, **options), log_scale_bound=bound, name=name)


def additive(policy, mask, seed=1, **options):
    return AdditiveCoupling(mask, mlp(policy, int((~mask).sum()), seed, **options))


def actnorm(policy, shape, seed=5):
    actnorm, rng = ActNorm(shape, dtype=bijection_dtype(policy)), np.random.default_rng(seed)
    actnorm.shift.assign(rng.normal(size=shape[-1]))
    actnorm.log_scale.assign(0.5 * rng.normal(size=shape[-1]))
    return actnorm


def variable(policy, values):
    return tf.Variable(values, dtype=bijection_dtype(policy))


def checkerboard(policy, seed=1, flip=False):
    mask = np.indices((4, 4, 2)).sum(0) % 2 == int(flip)
    return AffineCoupling(mask, conv(policy, 2, 4, seed))


def functional(policy):
    inputs = keras.Input((2,), dtype=keras.DTypePolicy(policy).compute_dtype)  # Keras casts to it
    glorot = keras.initializers.GlorotUniform(seed=1)
    hidden = keras.layers.Dense(8, activation="tanh", kernel_initializer=glorot, dtype=policy, name="hidden")(inputs)
    outputs = keras.layers.Dense(4, kernel_initializer=glorot, dtype=policy, name="out")(hidden)
    return AffineCoupling(masks.half(4), keras.Model(inputs, outputs, name="functional"))


def channels(policy):
    mask = np.broadcast_to(masks.alternating(2), (4, 4, 2))
    return AffineCoupling(mask, conv(policy, 1, 2))


def deep(policy):
    return Chain(
        [
            actnorm(policy, (4,)),
            affine(policy, masks.half(4), 1),
            Permutation([2, 0, 3, 1]),
            affine(policy, masks.half(4, flip=True), 2),
            tfb.Shift(variable(policy, [0.1, -0.2, 0.3, 0.5])),
            tfb.Scale(variable(policy, [0.5, 2.0, -1.5, 1.0])),
        ]
    )


def conditional(policy):
    inverted = tfb.Invert(affine(policy, masks.half(4, flip=True), 2, context_size=3))
    return Chain([affine(policy, masks.half(4), 1, context_size=3), Permutation([3, 2, 1, 0]), inverted])


def nested(policy):
    twist = tfb.SinhArcsinh(skewness=variable(policy, 0.2), tailweight=variable(policy, 1.1))
    return Chain([Chain([affine(policy, masks.half(2), 1), twist]), additive(policy, masks.half(2, flip=True), 2)])


def image(policy):
    first, second = checkerboard(policy, 1), checkerboard(policy, 2, flip=True)
    return Chain([tfb.Invert(Logit(0.05, high=256.0)), actnorm(policy, (4, 4, 2)), first, second])


def native(policy):
    first = affine(policy, masks.half(4), 1, name="first")
    return tfb.Chain([first, tfb.Permute([2, 3, 0, 1]), affine(policy, masks.half(4), 2, name="second")])


def native_conditional(policy):
    first = affine(policy, masks.half(4), 1, name="first", num_classes=3)
    second = affine(policy, masks.half(4, flip=True), 2, name="second", num_classes=3)
    return tfb.Chain([first, tfb.Invert(second, name="inverted")])


def shaken(bijector, by=0.2):
    """What starts at zero or as the identity, moved away from there."""
    nudge(bijector, seed=8, by=by)
    return bijector


def conv_coupling(policy, shape=(4, 4, 2), seed=1, **options):
    net = ConvNet(shape[-1], hidden_filters=(6, 5), activation="tanh", seed=seed, dtype=policy, **options)
    return shaken(AffineCoupling(masks.channel_half(shape), net))


def resnet_coupling(policy):
    net = ConvResNet(4, hidden_filters=5, num_blocks=2, activation="tanh", seed=1, dtype=policy)
    return shaken(AffineCoupling(masks.checkerboard((4, 4, 2)), net))


def mixing(policy, shape, parametrization="plu"):
    dtype = bijection_dtype(policy)
    return shaken(InvertibleConv(shape, parametrization=parametrization, dtype=dtype, seed=0), by=0.1)


def whitened(policy, shape):
    conv = InvertibleConv(shape, whiten=True, dtype=bijection_dtype(policy), seed=0)
    conv.adapt(tf.constant(np.random.default_rng(0).normal(size=(20, *shape)), bijection_dtype(policy)))
    return shaken(conv, by=0.1)


def gaussian(policy, shape, classes=None):
    net = None if classes is None else ContextLinear(2 * shape[-1], num_classes=classes, dtype=policy)
    return shaken(DiagonalAffine(shape, conditioner=net, dtype=bijection_dtype(policy)))


def squeezed(*links):
    return Chain([Squeeze(), *links, tfb.Invert(Squeeze())])


def multi_scale(policy):
    """Glow's structure: two scales, a learned prior at each, the class everywhere."""
    outer, inner = (2, 2, 4), (1, 1, 8)
    step = [actnorm(policy, outer), mixing(policy, outer), conv_coupling(policy, outer, num_classes=3)]
    prior = AffineCoupling(masks.channel_half(outer), ConvNet(4, hidden_filters=(), num_classes=3, dtype=policy))
    top = squeezed(mixing(policy, inner), gaussian(policy, inner, classes=3))
    return squeezed(*step, shaken(prior), FactorOut(top, 2))


def repeated(policy):
    def step(i):
        return Chain([actnorm(policy, (4,), i), Permutation([2, 0, 3, 1]), affine(policy, masks.half(4), 10 * i)])

    return Repeated([step(i) for i in range(3)])


def repeated_image(policy):
    def step(i):
        mask = np.broadcast_to(masks.half(2), (4, 4, 2))
        return Chain([actnorm(policy, (4, 4, 2), i), AffineCoupling(mask, conv(policy, 1, 2, 10 * i)), swap])

    swap = Permutation([1, 0])
    return Repeated([step(i) for i in range(3)], checkpoint_every=2)


def repeated_conditional(policy):
    def step(i):
        inverted = tfb.Invert(affine(policy, masks.half(4, flip=True), 10 * i, context_size=3))
        return Chain([inverted, affine(policy, masks.half(4), 10 * i + 5, context_size=3)])

    repeated = Repeated([step(i) for i in range(2)], checkpoint_every=1)
    return Chain([repeated, affine(policy, masks.half(4), 1, context_size=3)])


def amortized(policy, flow, size, num_raw, context=None, **options):
    """A planar, radial or Sylvester flow with weights, or moved by a vector or class context."""
    sizes = {"vector": {"context_size": 3}, "class": {"num_classes": 3}}.get(context)
    net = None if sizes is None else ContextLinear(num_raw, dtype=policy, **sizes)
    return shaken(flow(size, conditioner=net, dtype=bijection_dtype(policy), seed=0, **options))


def planar(policy, size, context=None, **options):
    return amortized(policy, Planar, size, 2 * size + 1, context, **options)


def radial(policy, size, context=None):
    return amortized(policy, Radial, size, size + 2, context)


def sylvester(policy, size, context=None, **options):
    return amortized(policy, Sylvester, size, Sylvester.num_raw(size, **options), context, **options)


def made(policy, size, **options):
    options = {"activation": "tanh", "zero_init": False, "seed": 1, **options}
    return MADE(size, hidden_units=(8, 8), dtype=policy, **options)


def autoregressive_context(policy):
    return InverseAutoregressive(made(policy, 3, context_size=3, order="reversed", degrees="random", residual=True))


def spline(policy, mask, *, circular=False, affine=False, **options):
    bijection = {"bins": 4, "circular": circular, "affine": affine, "box": 3.0}
    units = (12 if circular else 13 if affine else 11) * int((~mask).sum())
    return SplineCoupling(mask, mlp(policy, units, **options), **bijection)


def autoregressive_spline(policy, size, *, parallel="inverse", affine=False, **options):
    net = made(policy, size, num_outputs=13 if affine else 11, **options)
    return AutoregressiveSpline(net, parallel=parallel, affine=affine, bins=4, box=3.0)


def transformer(policy, shape, *, reverse=False, guidance=0.0, seed=1, **options):
    options = {"num_blocks": 1, "units": 8, "num_heads": 2, **options}
    net = Transformer(shape, seed=seed, dtype=policy, **options)
    flow = TransformerAutoregressive(net, reverse=reverse, guidance=guidance, name=f"transformer_{seed}")
    net.place.assign(50 * net.place)  # to deviation 1: of small ones the normalisation bends too sharply to difference
    return shaken(flow, by=0.1)


def transformer_patches(policy):
    """An image's patches as tokens, the last first, a context."""
    patches = Patches((4, 4, 1), 2)
    return Chain([patches, transformer(policy, (4, 4), reverse=True, context_size=3), tfb.Invert(patches)])


def rotated_gaussian(policy):
    """Alone, a rotation would leave the base as it is."""
    return Chain([shaken(Householder(3, dtype=bijection_dtype(policy), seed=0)), gaussian(policy, (3,))])
