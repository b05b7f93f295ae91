"""The conformance table: every bijector of tfflows, one line a case, with non-trivial weights.

A new bijector gets one line in `CASES`; each test of this folder then runs on it.
"""

import makers as make
import pytest
import tensorflow_probability as tfp
from case_of_table import Case, bijection_dtype

from tfflows.bijectors import (
    Angles,
    Autoregressive,
    Coupling,
    FactorOut,
    InverseAutoregressive,
    Logit,
    LULinear,
    MaskedAutoregressive,
    Permutation,
    TailTransform,
)
from tfflows.ops import elementwise, masks

tfb = tfp.bijectors
_UNIT = (0.0, 1.0)
_HALF, _FLIP, _ODD = masks.half(4), masks.half(4, flip=True), masks.alternating(5)

CASES = [
    Case("affine_half", lambda p: make.affine(p, _HALF), (4,)),
    Case("affine_flipped", lambda p: make.affine(p, _FLIP), (4,)),
    Case("affine_alternating", lambda p: make.affine(p, _ODD), (5,)),
    Case("affine_plane", lambda p: make.affine(p, masks.half(2)), (2,)),
    Case("affine_relu_residual", lambda p: make.affine(p, _HALF, activation="relu", residual=True), (4,)),
    Case("affine_arctan", lambda p: make.affine(p, _HALF, bound="arctan"), (4,)),
    Case("affine_softsign", lambda p: make.affine(p, _HALF, bound="softsign"), (4,)),
    Case("affine_sigmoid", lambda p: make.affine(p, _HALF, bound="sigmoid"), (4,)),
    Case("affine_unbounded", lambda p: make.affine(p, _HALF, bound="none"), (4,)),
    Case("affine_functional", make.functional, (4,)),
    Case("affine_vector_context", lambda p: make.affine(p, _HALF, context_size=3), (4,), context="vector"),
    Case("affine_class_context", lambda p: make.affine(p, _HALF, num_classes=3), (4,), context="class"),
    Case("affine_checkerboard", make.checkerboard, (4, 4, 2)),
    Case("affine_channels", make.channels, (4, 4, 2)),
    Case("additive_half", lambda p: make.additive(p, _HALF), (4,)),
    Case("additive_class_context", lambda p: make.additive(p, masks.half(2), num_classes=3), (2,), context="class"),
    Case("actnorm_vector", lambda p: make.actnorm(p, (2,)), (2,)),
    Case("actnorm_image", lambda p: make.actnorm(p, (4, 4, 3)), (4, 4, 3)),
    Case("permutation", lambda p: Permutation([3, 1, 4, 0, 2]), (5,), weights=False),
    Case("angles", lambda p: Angles(3, [2, 0], period=(6.0, 8.0), dtype=bijection_dtype(p)), (3,), domain=(-3.0, 3.0),
         image=(-2.9, 2.9), weights=False, uniform=True),
    Case("logit", lambda p: Logit(0.05), (2,), domain=_UNIT, image=(-2.9, 2.9), weights=False, uniform=True),
    Case("invert_logit", lambda p: tfb.Invert(Logit(0.05)), (2,), domain=(-6.0, 6.0), image=_UNIT, weights=False),
    Case("chain_deep", make.deep, (4,)),
    Case("chain_context", make.conditional, (4,), context="vector"),
    Case("chain_nested", make.nested, (2,)),
    Case("chain_image", make.image, (4, 4, 2), domain=(-1.5, 1.5), image=(0.0, 256.0)),
    Case("repeated", make.repeated, (4,)),
    Case("repeated_image", make.repeated_image, (4, 4, 2)),
    Case("repeated_vector_context", make.repeated_conditional, (4,), context="vector"),
    Case("invert_affine", lambda p: tfb.Invert(make.affine(p, masks.half(2))), (2,)),
    Case("squeeze", lambda p: make.squeezed(Permutation([5, 1, 7, 0, 2, 4, 6, 3])), (4, 4, 2), weights=False),
    Case("invertible_conv", lambda p: make.mixing(p, (2, 2, 3)), (2, 2, 3)),
    Case("invertible_conv_whitened", lambda p: make.whitened(p, (2, 2, 3)), (2, 2, 3)),
    Case("invertible_conv_plain", lambda p: make.mixing(p, (2,), "plain"), (2,)),
    Case("conv_net", make.conv_coupling, (4, 4, 2)),
    Case("conv_net_vector_context", lambda p: make.conv_coupling(p, context_size=3), (4, 4, 2), context="vector"),
    Case("conv_resnet", make.resnet_coupling, (4, 4, 2)),
    Case("diagonal_affine", lambda p: make.gaussian(p, (2,)), (2,)),
    Case("factor_out", lambda p: FactorOut(make.affine(p, masks.half(2)), 2), (3,)),
    Case("multi_scale", make.multi_scale, (4, 4, 1), context="class"),
    Case("planar", lambda p: make.planar(p, 2), (2,)),
    Case("planar_leaky_relu", lambda p: make.planar(p, 2, activation="leaky_relu"), (2,)),
    Case("planar_context", lambda p: make.planar(p, 3, "vector"), (3,), context="vector"),
    Case("radial", lambda p: make.radial(p, 2), (2,)),
    Case("radial_context", lambda p: make.radial(p, 3, "class"), (3,), context="class"),
    Case("inverse_autoregressive", lambda p: InverseAutoregressive(make.made(p, 2)), (2,)),
    Case("inverse_autoregressive_context", make.autoregressive_context, (3,), context="vector"),
    Case("masked_autoregressive", lambda p: MaskedAutoregressive(make.made(p, 3, order=[1, 2, 0])), (3,)),
    Case("spline_plane", lambda p: make.spline(p, masks.half(2)), (2,)),
    Case("spline_circular", lambda p: make.spline(p, _ODD, circular=True), (5,)),
    Case("spline_vector_context", lambda p: make.spline(p, _FLIP, affine=True, context_size=3), (4,), context="vector"),
    Case("autoregressive_spline", lambda p: make.autoregressive_spline(p, 3), (3,)),
    Case("autoregressive_spline_class_context",
         lambda p: make.autoregressive_spline(p, 2, parallel="forward", affine=True, order=[1, 0], num_classes=3), (2,),
         context="class"),
    Case("coupling_gated", lambda p: Coupling(_HALF, make.mlp(p, 4), elementwise.GatedAffine(2.0)), (4,)),
    Case("coupling_spline", lambda p: Coupling(_HALF, make.mlp(p, 22), elementwise.RationalQuadraticSpline(4, 3.0)),
         (4,)),
    Case("autoregressive_shift", lambda p: Autoregressive(make.made(p, 3, num_outputs=1), elementwise.Shift()), (3,)),
    Case("autoregressive_affine",
         lambda p: Autoregressive(make.made(p, 3), elementwise.Affine(), parallel="forward"), (3,)),
    Case("lu_linear", lambda p: make.shaken(LULinear(4, dtype=bijection_dtype(p))), (4,)),
    Case("householder", make.rotated_gaussian, (3,)),
    Case("tail_transform", lambda p: make.shaken(TailTransform([2], dtype=bijection_dtype(p)), by=1.0), (2,)),
    Case("transformer_autoregressive", lambda p: make.transformer(p, (3, 2), num_blocks=2), (3, 2)),
    Case("transformer_patches_vector_context", make.transformer_patches, (4, 4, 1), context="vector"),
    Case("transformer_guidance",
         lambda p: make.transformer(p, (3, 1), reverse=True, guidance=0.5, num_classes=3), (3, 1),
         context="class"),
    Case("sylvester_orthogonal", lambda p: make.sylvester(p, 3, num_vectors=2), (3,)),
    Case("sylvester_householder", lambda p: make.sylvester(p, 3, kind="householder", num_vectors=2), (3,)),
    Case("sylvester_triangular", lambda p: make.sylvester(p, 2, kind="triangular"), (2,)),
    Case("sylvester_context", lambda p: make.sylvester(p, 4, "vector", num_vectors=2), (4,), context="vector"),
    Case("sylvester_class_context", lambda p: make.sylvester(p, 3, "class", kind="triangular"), (3,), context="class"),
    Case("native_chain", make.native, (4,), native=True),
    Case("native_chain_context", make.native_conditional, (4,), context="class", native=True),
]  # fmt: skip

# Differ from a neighbour in one formula: the expensive tests take them under `-m slow` only.
VARIANTS = {"affine_flipped", "affine_plane", "affine_arctan", "affine_softsign", "affine_sigmoid", "affine_unbounded",
            "affine_relu_residual", "additive_class_context", "conv_net", "invertible_conv_plain",
            "planar", "planar_leaky_relu", "radial", "inverse_autoregressive", "sylvester_orthogonal",
            "sylvester_triangular", "sylvester_class_context", "spline_vector_context",
            "coupling_gated", "coupling_spline", "autoregressive_shift", "autoregressive_affine",
            "angles", "householder", "lu_linear", "transformer_guidance"}  # fmt: skip

# Their parts, or a neighbour of the same kind, have lines of their own: what is no matter of a formula (graphs, tapes,
# threads, files, updates) is tested on one line of each kind, and on these under `-m slow` only.
COMPOSED = {"affine_alternating", "affine_vector_context", "affine_checkerboard", "affine_channels", "actnorm_vector",
            "invert_logit", "chain_nested", "chain_image", "repeated", "repeated_image", "invert_affine", "squeeze",
            "invertible_conv", "invertible_conv_whitened", "conv_resnet", "diagonal_affine", "factor_out",
            "spline_circular", "autoregressive_spline_class_context", "transformer_autoregressive",
            "sylvester_householder", "native_chain"}  # fmt: skip


def costly(cases, slow=frozenset(VARIANTS)):
    """Parametrisation of an expensive test."""
    marks = {True: pytest.mark.slow, False: ()}
    cases = [pytest.param(case, marks=marks[case.name in slow], id=case.name) for case in cases]
    return pytest.mark.parametrize("case", cases)


def one_of_each_kind(cases, also=()):
    """Parametrisation of a test of what bijectors have in common; `also`: names of `COMPOSED` that it needs."""
    return costly(cases, (VARIANTS | COMPOSED).difference(also))


every_case = pytest.mark.parametrize("case", CASES, ids=str)
weighted_case = pytest.mark.parametrize("case", [case for case in CASES if case.weights], ids=str)
