"""The conformance table: every bijector of tfflows, one line a case, with non-trivial weights.

A new bijector gets one line in `CASES`; each test of this folder then runs on it.
"""

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import (
    ActNorm,
    AdditiveCoupling,
    AffineCoupling,
    Autoregressive,
    AutoregressiveSpline,
    Chain,
    Coupling,
    DiagonalAffine,
    FactorOut,
    Householder,
    InverseAutoregressive,
    InvertibleConv,
    Logit,
    LULinear,
    MaskedAutoregressive,
    Patches,
    Permutation,
    Planar,
    Radial,
    Repeated,
    SplineCoupling,
    Squeeze,
    Sylvester,
    TailTransform,
    TransformerAutoregressive,
)
from tfflows.joint import composition
from tfflows.joint.weights import keras_layers_of
from tfflows.models import FlowModel
from tfflows.networks import MADE, MLP, ContextLinear, ConvNet, ConvResNet, Transformer
from tfflows.ops import elementwise, masks

tfb, tfd = tfp.bijectors, tfp.distributions


@dataclasses.dataclass(frozen=True)
class Case:
    """A bijector, and what may be fed to it.

    Args:
      name: str, unique.
      make: `make(policy) -> tfb.Bijector`, the policy a Keras one ("float32", "float64", "mixed_float16", ...).
      event_shape: tuple, of both sides.
      context: `None`, "vector" (size 3) or "class" (3 classes).
      domain: interval of the forward direction's input, `None` for all reals (then every scale is tried): where it
        is defined, or where its inverse still resolves what it gave.
      image: interval of the inverse direction's input.
      weights: bool, whether there is anything to train.
      uniform: bool, whether the base is uniform on the domain, not standard normal.
      native: bool, whether the outermost composition is TFP's own, whose cache is stale by design of TFP.
    """

    name: str
    make: Callable
    event_shape: tuple
    context: str | None = None
    domain: tuple | None = None
    image: tuple | None = None
    weights: bool = True
    uniform: bool = False
    native: bool = False

    def __str__(self):
        return self.name

    @property
    def ndims(self):
        return len(self.event_shape)

    def fresh(self, policy="float32"):
        """A new bijector; two of them have equal weights."""
        return self.make(policy)

    def shared(self, policy="float32"):
        """One bijector for all tests that write no weight."""
        return _shared(self, policy)

    def kwargs(self, bijector, batch, dtype="float32", seed=7):
        """Keyword arguments of `forward` and `inverse` for a batch shape: the context, or nothing."""
        return composition.context_kwargs(bijector, self.context_for(batch, dtype, seed))

    def context_for(self, batch, dtype="float32", seed=7):
        rng = np.random.default_rng(seed)
        if self.context == "vector":
            return tf.constant(rng.normal(size=(*batch, 3)), dtype)
        return tf.constant(rng.integers(0, 3, size=batch), tf.int32) if self.context == "class" else None

    def inputs(self, batch, dtype="float32", *, scale=1.0, seed=0, interval="domain"):
        """Input of `forward` (or of `inverse`: `interval="image"`), new tensors at every call."""
        shape, limits = (*batch, *self.event_shape), getattr(self, interval)
        rng = np.random.default_rng(seed)
        if limits is None:
            return tf.constant(scale * rng.normal(size=shape), dtype)
        low, high = limits
        return tf.constant(low + (high - low) * (0.02 + 0.96 * rng.random(shape)), dtype)

    def base(self, dtype="float32"):
        """Standard normal, or uniform on the domain."""
        ends = [tf.constant(end, dtype) for end in (self.domain if self.uniform else (0.0, 1.0))]
        return tfd.Sample((tfd.Uniform if self.uniform else tfd.Normal)(*ends), self.event_shape)

    def distribution(self, bijector, dtype="float32"):
        return tfd.TransformedDistribution(self.base(dtype), bijector)

    def model(self, bijector, policy="float32"):
        sizes = {"vector": {"context_size": 3}, "class": {"num_classes": 3}}.get(self.context, {})
        distribution = self.distribution(bijector, bijection_dtype(policy))
        return FlowModel(distribution, dtype=policy, name=self.name, **sizes)


@functools.cache
def _shared(case, policy):
    return case.make(policy)


def bijection_dtype(policy):
    return "float64" if policy == "float64" else "float32"


def modules(root):
    """All bijectors of a tree."""
    return [each for each in (root, *root.submodules) if isinstance(each, tfb.Bijector)]


def named_weights(root, *, trainable=True):
    """Every weight of a tree by name."""
    named = {f"{v.path}/{id(v.value)}": v.value for each in keras_layers_of(root) for v in each.variables}
    owned = {id(v) for v in named.values()}
    named.update((f"{v.name}/{id(v)}", v) for v in root.variables if id(v) not in owned)
    return {name: v for name, v in named.items() if v.trainable or not trainable}


def nudge(root, seed=3, by=0.1):
    """Writes every trainable weight, as an optimizer step does."""
    rng = np.random.default_rng(seed)
    for variable in named_weights(root).values():
        variable.assign_add(tf.constant(by * rng.normal(size=variable.shape), variable.dtype))


def _mlp(policy, units, seed=1, activation="tanh", **options):
    return MLP(units, hidden_units=(8, 8), activation=activation, zero_init=False, seed=seed, dtype=policy, **options)


def _conv(policy, channels, units, seed=1):
    def layer(i, filters, activation):
        glorot = keras.initializers.GlorotUniform(seed=seed + i)
        return keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer=glorot,
                                   dtype=policy, name=f"conv_{i}")  # fmt: skip

    net = keras.Sequential([layer(0, 6, "tanh"), layer(1, units, None)], name=f"conv_net_{seed}")
    net.build((None, 4, 4, channels))
    return net


def _affine(policy, mask, seed=1, *, bound="tanh", name="affine", **options):
    return AffineCoupling(mask, _mlp(policy, 2 * int((~mask).sum()), seed, **options), log_scale_bound=bound, name=name)


def _additive(policy, mask, seed=1, **options):
    return AdditiveCoupling(mask, _mlp(policy, int((~mask).sum()), seed, **options))


def _actnorm(policy, shape, seed=5):
    actnorm, rng = ActNorm(shape, dtype=bijection_dtype(policy)), np.random.default_rng(seed)
    actnorm.shift.assign(rng.normal(size=shape[-1]))
    actnorm.log_scale.assign(0.5 * rng.normal(size=shape[-1]))
    return actnorm


def _variable(policy, values):
    return tf.Variable(values, dtype=bijection_dtype(policy))


def _checkerboard(policy, seed=1, flip=False):
    mask = np.indices((4, 4, 2)).sum(0) % 2 == int(flip)
    return AffineCoupling(mask, _conv(policy, 2, 4, seed))


def _functional(policy):
    inputs = keras.Input((2,), dtype=keras.DTypePolicy(policy).compute_dtype)  # Keras casts to it
    glorot = keras.initializers.GlorotUniform(seed=1)
    hidden = keras.layers.Dense(8, activation="tanh", kernel_initializer=glorot, dtype=policy, name="hidden")(inputs)
    outputs = keras.layers.Dense(4, kernel_initializer=glorot, dtype=policy, name="out")(hidden)
    return AffineCoupling(masks.half(4), keras.Model(inputs, outputs, name="functional"))


def _channels(policy):
    mask = np.broadcast_to(masks.alternating(2), (4, 4, 2))
    return AffineCoupling(mask, _conv(policy, 1, 2))


def _deep(policy):
    return Chain(
        [
            _actnorm(policy, (4,)),
            _affine(policy, masks.half(4), 1),
            Permutation([2, 0, 3, 1]),
            _affine(policy, masks.half(4, flip=True), 2),
            tfb.Shift(_variable(policy, [0.1, -0.2, 0.3, 0.5])),
            tfb.Scale(_variable(policy, [0.5, 2.0, -1.5, 1.0])),
        ]
    )


def _conditional(policy):
    inverted = tfb.Invert(_affine(policy, masks.half(4, flip=True), 2, context_size=3))
    return Chain([_affine(policy, masks.half(4), 1, context_size=3), Permutation([3, 2, 1, 0]), inverted])


def _nested(policy):
    twist = tfb.SinhArcsinh(skewness=_variable(policy, 0.2), tailweight=_variable(policy, 1.1))
    return Chain([Chain([_affine(policy, masks.half(2), 1), twist]), _additive(policy, masks.half(2, flip=True), 2)])


def _image(policy):
    first, second = _checkerboard(policy, 1), _checkerboard(policy, 2, flip=True)
    return Chain([tfb.Invert(Logit(0.05, high=256.0)), _actnorm(policy, (4, 4, 2)), first, second])


def _native(policy):
    first = _affine(policy, masks.half(4), 1, name="first")
    return tfb.Chain([first, tfb.Permute([2, 3, 0, 1]), _affine(policy, masks.half(4), 2, name="second")])


def _native_conditional(policy):
    first = _affine(policy, masks.half(4), 1, name="first", num_classes=3)
    second = _affine(policy, masks.half(4, flip=True), 2, name="second", num_classes=3)
    return tfb.Chain([first, tfb.Invert(second, name="inverted")])


def _shaken(bijector, by=0.2):
    """What starts at zero or as the identity, moved away from there."""
    nudge(bijector, seed=8, by=by)
    return bijector


def _conv_coupling(policy, shape=(4, 4, 2), seed=1, **options):
    net = ConvNet(shape[-1], hidden_filters=(6, 5), activation="tanh", seed=seed, dtype=policy, **options)
    return _shaken(AffineCoupling(masks.channel_half(shape), net))


def _resnet_coupling(policy):
    net = ConvResNet(4, hidden_filters=5, num_blocks=2, activation="tanh", seed=1, dtype=policy)
    return _shaken(AffineCoupling(masks.checkerboard((4, 4, 2)), net))


def _mixing(policy, shape, parametrization="plu"):
    dtype = bijection_dtype(policy)
    return _shaken(InvertibleConv(shape, parametrization=parametrization, dtype=dtype, seed=0), by=0.1)


def _whitened(policy, shape):
    conv = InvertibleConv(shape, whiten=True, dtype=bijection_dtype(policy), seed=0)
    conv.adapt(tf.constant(np.random.default_rng(0).normal(size=(20, *shape)), bijection_dtype(policy)))
    return _shaken(conv, by=0.1)


def _gaussian(policy, shape, classes=None):
    net = None if classes is None else ContextLinear(2 * shape[-1], num_classes=classes, dtype=policy)
    return _shaken(DiagonalAffine(shape, conditioner=net, dtype=bijection_dtype(policy)))


def _squeezed(*links):
    return Chain([Squeeze(), *links, tfb.Invert(Squeeze())])


def _multi_scale(policy):
    """Glow's structure: two scales, a learned prior at each, the class everywhere."""
    outer, inner = (2, 2, 4), (1, 1, 8)
    step = [_actnorm(policy, outer), _mixing(policy, outer), _conv_coupling(policy, outer, num_classes=3)]
    prior = AffineCoupling(masks.channel_half(outer), ConvNet(4, hidden_filters=(), num_classes=3, dtype=policy))
    top = _squeezed(_mixing(policy, inner), _gaussian(policy, inner, classes=3))
    return _squeezed(*step, _shaken(prior), FactorOut(top, 2))


def _repeated(policy):
    def step(i):
        return Chain([_actnorm(policy, (4,), i), Permutation([2, 0, 3, 1]), _affine(policy, masks.half(4), 10 * i)])

    return Repeated([step(i) for i in range(3)])


def _repeated_image(policy):
    def step(i):
        mask = np.broadcast_to(masks.half(2), (4, 4, 2))
        return Chain([_actnorm(policy, (4, 4, 2), i), AffineCoupling(mask, _conv(policy, 1, 2, 10 * i)), swap])

    swap = Permutation([1, 0])
    return Repeated([step(i) for i in range(3)], checkpoint_every=2)


def _repeated_conditional(policy):
    def step(i):
        inverted = tfb.Invert(_affine(policy, masks.half(4, flip=True), 10 * i, context_size=3))
        return Chain([inverted, _affine(policy, masks.half(4), 10 * i + 5, context_size=3)])

    repeated = Repeated([step(i) for i in range(2)], checkpoint_every=1)
    return Chain([repeated, _affine(policy, masks.half(4), 1, context_size=3)])


def _amortized(policy, flow, size, num_raw, context=None, **options):
    """A planar, radial or Sylvester flow with weights, or moved by a vector or class context."""
    sizes = {"vector": {"context_size": 3}, "class": {"num_classes": 3}}.get(context)
    net = None if sizes is None else ContextLinear(num_raw, dtype=policy, **sizes)
    return _shaken(flow(size, conditioner=net, dtype=bijection_dtype(policy), seed=0, **options))


def _planar(policy, size, context=None, **options):
    return _amortized(policy, Planar, size, 2 * size + 1, context, **options)


def _radial(policy, size, context=None):
    return _amortized(policy, Radial, size, size + 2, context)


def _sylvester(policy, size, context=None, **options):
    return _amortized(policy, Sylvester, size, Sylvester.num_raw(size, **options), context, **options)


def _made(policy, size, **options):
    options = {"activation": "tanh", "zero_init": False, "seed": 1, **options}
    return MADE(size, hidden_units=(8, 8), dtype=policy, **options)


def _autoregressive_context(policy):
    first = InverseAutoregressive(_made(policy, 3, context_size=3))
    second = InverseAutoregressive(_made(policy, 3, context_size=3, order="reversed", degrees="random", residual=True))
    return Chain([first, second])


def _spline(policy, mask, *, circular=False, affine=False, **options):
    bijection = {"bins": 4, "circular": circular, "affine": affine, "box": 3.0}
    units = (12 if circular else 13 if affine else 11) * int((~mask).sum())
    return SplineCoupling(mask, _mlp(policy, units, **options), **bijection)


def _autoregressive_spline(policy, size, *, parallel="inverse", affine=False, **options):
    net = _made(policy, size, num_outputs=13 if affine else 11, **options)
    return AutoregressiveSpline(net, parallel=parallel, affine=affine, bins=4, box=3.0)


def _transformer(policy, shape, *, reverse=False, guidance=0.0, seed=1, **options):
    options = {"num_blocks": 1, "units": 8, "num_heads": 2, **options}
    net = Transformer(shape, seed=seed, dtype=policy, **options)
    flow = TransformerAutoregressive(net, reverse=reverse, guidance=guidance, name=f"transformer_{seed}")
    net.place.assign(50 * net.place)  # to deviation 1: of small ones the normalisation bends too sharply to difference
    return _shaken(flow, by=0.1)


def _transformer_patches(policy):
    """An image's patches as tokens, both orders, a context."""
    patches = Patches((4, 4, 1), 2)
    layers = [_transformer(policy, (4, 4), reverse=bool(i), seed=1 + i, context_size=3) for i in range(2)]
    return Chain([patches, *layers, tfb.Invert(patches)])


def _rotated_gaussian(policy):
    """Alone, a rotation would leave the base as it is."""
    return Chain([_shaken(Householder(3, dtype=bijection_dtype(policy), seed=0)), _gaussian(policy, (3,))])


_UNIT = (0.0, 1.0)
_HALF, _FLIP, _ODD = masks.half(4), masks.half(4, flip=True), masks.alternating(5)

CASES = [
    Case("affine_half", lambda p: _affine(p, _HALF), (4,)),
    Case("affine_flipped", lambda p: _affine(p, _FLIP), (4,)),
    Case("affine_alternating", lambda p: _affine(p, _ODD), (5,)),
    Case("affine_plane", lambda p: _affine(p, masks.half(2)), (2,)),
    Case("affine_relu_residual", lambda p: _affine(p, _HALF, activation="relu", residual=True), (4,)),
    Case("affine_arctan", lambda p: _affine(p, _HALF, bound="arctan"), (4,)),
    Case("affine_softsign", lambda p: _affine(p, _HALF, bound="softsign"), (4,)),
    Case("affine_sigmoid", lambda p: _affine(p, _HALF, bound="sigmoid"), (4,)),
    Case("affine_unbounded", lambda p: _affine(p, _HALF, bound="none"), (4,)),
    Case("affine_functional", _functional, (4,)),
    Case("affine_vector_context", lambda p: _affine(p, _HALF, context_size=3), (4,), context="vector"),
    Case("affine_class_context", lambda p: _affine(p, _HALF, num_classes=3), (4,), context="class"),
    Case("affine_checkerboard", _checkerboard, (4, 4, 2)),
    Case("affine_channels", _channels, (4, 4, 2)),
    Case("additive_half", lambda p: _additive(p, _HALF), (4,)),
    Case("additive_class_context", lambda p: _additive(p, masks.half(2), num_classes=3), (2,), context="class"),
    Case("actnorm_vector", lambda p: _actnorm(p, (2,)), (2,)),
    Case("actnorm_image", lambda p: _actnorm(p, (4, 4, 3)), (4, 4, 3)),
    Case("permutation", lambda p: Permutation([3, 1, 4, 0, 2]), (5,), weights=False),
    Case("logit", lambda p: Logit(0.05), (2,), domain=_UNIT, image=(-2.9, 2.9), weights=False, uniform=True),
    Case("invert_logit", lambda p: tfb.Invert(Logit(0.05)), (2,), domain=(-6.0, 6.0), image=_UNIT, weights=False),
    Case("chain_deep", _deep, (4,)),
    Case("chain_context", _conditional, (4,), context="vector"),
    Case("chain_nested", _nested, (2,)),
    Case("chain_image", _image, (4, 4, 2), domain=(-1.5, 1.5), image=(0.0, 256.0)),
    Case("repeated", _repeated, (4,)),
    Case("repeated_image", _repeated_image, (4, 4, 2)),
    Case("repeated_vector_context", _repeated_conditional, (4,), context="vector"),
    Case("invert_affine", lambda p: tfb.Invert(_affine(p, masks.half(2))), (2,)),
    Case("squeeze", lambda p: _squeezed(Permutation([5, 1, 7, 0, 2, 4, 6, 3])), (4, 4, 2), weights=False),
    Case("invertible_conv", lambda p: _mixing(p, (2, 2, 3)), (2, 2, 3)),
    Case("invertible_conv_whitened", lambda p: _whitened(p, (2, 2, 3)), (2, 2, 3)),
    Case("invertible_conv_plain", lambda p: _mixing(p, (2,), "plain"), (2,)),
    Case("conv_net", _conv_coupling, (4, 4, 2)),
    Case("conv_net_vector_context", lambda p: _conv_coupling(p, context_size=3), (4, 4, 2), context="vector"),
    Case("conv_resnet", _resnet_coupling, (4, 4, 2)),
    Case("diagonal_affine", lambda p: _gaussian(p, (2,)), (2,)),
    Case("factor_out", lambda p: FactorOut(_affine(p, masks.half(2)), 2), (3,)),
    Case("multi_scale", _multi_scale, (4, 4, 1), context="class"),
    Case("planar", lambda p: _planar(p, 2), (2,)),
    Case("planar_leaky_relu", lambda p: _planar(p, 2, activation="leaky_relu"), (2,)),
    Case("planar_context", lambda p: _planar(p, 3, "vector"), (3,), context="vector"),
    Case("radial", lambda p: _radial(p, 2), (2,)),
    Case("radial_context", lambda p: _radial(p, 3, "class"), (3,), context="class"),
    Case("inverse_autoregressive", lambda p: InverseAutoregressive(_made(p, 2)), (2,)),
    Case("inverse_autoregressive_context", _autoregressive_context, (3,), context="vector"),
    Case("masked_autoregressive", lambda p: MaskedAutoregressive(_made(p, 3, order=[1, 2, 0])), (3,)),
    Case("spline_plane", lambda p: _spline(p, masks.half(2)), (2,)),
    Case("spline_circular", lambda p: _spline(p, _ODD, circular=True), (5,)),
    Case("spline_vector_context", lambda p: _spline(p, _FLIP, affine=True, context_size=3), (4,), context="vector"),
    Case("autoregressive_spline", lambda p: _autoregressive_spline(p, 3), (3,)),
    Case("autoregressive_spline_class_context",
         lambda p: _autoregressive_spline(p, 2, parallel="forward", affine=True, order=[1, 0], num_classes=3), (2,),
         context="class"),
    Case("coupling_gated", lambda p: Coupling(_HALF, _mlp(p, 4), elementwise.GatedAffine(2.0)), (4,)),
    Case("coupling_spline", lambda p: Coupling(_HALF, _mlp(p, 22), elementwise.RationalQuadraticSpline(4, 3.0)), (4,)),
    Case("autoregressive_shift", lambda p: Autoregressive(_made(p, 3, num_outputs=1), elementwise.Shift()), (3,)),
    Case("autoregressive_affine", lambda p: Autoregressive(_made(p, 3), elementwise.Affine(), parallel="forward"),
         (3,)),
    Case("lu_linear", lambda p: _shaken(LULinear(4, dtype=bijection_dtype(p))), (4,)),
    Case("householder", _rotated_gaussian, (3,)),
    Case("tail_transform", lambda p: _shaken(TailTransform([2], dtype=bijection_dtype(p)), by=1.0), (2,)),
    Case("transformer_autoregressive", lambda p: _transformer(p, (3, 2), num_blocks=2), (3, 2)),
    Case("transformer_patches_vector_context", _transformer_patches, (4, 4, 1), context="vector"),
    Case("transformer_guidance", lambda p: _transformer(p, (3, 1), reverse=True, guidance=0.5, num_classes=3), (3, 1),
         context="class"),
    Case("sylvester_orthogonal", lambda p: _sylvester(p, 3, num_vectors=2), (3,)),
    Case("sylvester_householder", lambda p: _sylvester(p, 3, kind="householder", num_vectors=2), (3,)),
    Case("sylvester_triangular", lambda p: _sylvester(p, 2, kind="triangular"), (2,)),
    Case("sylvester_context", lambda p: _sylvester(p, 4, "vector", num_vectors=2), (4,), context="vector"),
    Case("sylvester_class_context", lambda p: _sylvester(p, 3, "class", kind="triangular"), (3,), context="class"),
    Case("native_chain", _native, (4,), native=True),
    Case("native_chain_context", _native_conditional, (4,), context="class", native=True),
]  # fmt: skip

# Differ from a neighbour in one formula: the expensive tests take them under `-m slow` only.
VARIANTS = {"affine_flipped", "affine_plane", "affine_arctan", "affine_softsign", "affine_sigmoid", "affine_unbounded",
            "affine_relu_residual", "additive_class_context", "conv_net", "invertible_conv_plain",
            "planar", "planar_leaky_relu", "radial", "inverse_autoregressive", "sylvester_orthogonal",
            "sylvester_triangular", "sylvester_class_context", "spline_vector_context",
            "coupling_gated", "coupling_spline", "autoregressive_shift", "autoregressive_affine",
            "householder", "lu_linear", "transformer_guidance"}  # fmt: skip


def costly(cases):
    """Parametrisation of an expensive test."""
    marks = {True: pytest.mark.slow, False: ()}
    cases = [pytest.param(case, marks=marks[case.name in VARIANTS], id=case.name) for case in cases]
    return pytest.mark.parametrize("case", cases)


every_case = pytest.mark.parametrize("case", CASES, ids=str)
weighted_case = pytest.mark.parametrize("case", [case for case in CASES if case.weights], ids=str)
