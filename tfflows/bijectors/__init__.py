"""Bijectors with Keras weights, each a plain `tfb.Bijector`."""

from tfflows.bijectors.actnorm import ActNorm
from tfflows.bijectors.additive_coupling import AdditiveCoupling
from tfflows.bijectors.affine_coupling import AffineCoupling
from tfflows.bijectors.chain import Chain
from tfflows.bijectors.coupling import Coupling
from tfflows.bijectors.diagonal_affine import DiagonalAffine
from tfflows.bijectors.factor_out import FactorOut
from tfflows.bijectors.invertible_conv import InvertibleConv
from tfflows.bijectors.logit import Logit
from tfflows.bijectors.permutation import Permutation
from tfflows.bijectors.repeated import Repeated
from tfflows.bijectors.squeeze import Squeeze

__all__ = [
    "ActNorm",
    "AdditiveCoupling",
    "AffineCoupling",
    "Chain",
    "Coupling",
    "DiagonalAffine",
    "FactorOut",
    "InvertibleConv",
    "Logit",
    "Permutation",
    "Repeated",
    "Squeeze",
]
