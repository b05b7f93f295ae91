"""Bijectors with Keras weights, each a plain `tfb.Bijector`."""

from tfflows.bijectors.actnorm import ActNorm
from tfflows.bijectors.amortized import Amortized
from tfflows.bijectors.angles import Angles
from tfflows.bijectors.autoregressive import (
    Autoregressive,
    AutoregressiveSpline,
    InverseAutoregressive,
    MaskedAutoregressive,
)
from tfflows.bijectors.chain import Chain
from tfflows.bijectors.coupling import AdditiveCoupling, AffineCoupling, Coupling, SplineCoupling
from tfflows.bijectors.diagonal_affine import DiagonalAffine
from tfflows.bijectors.factor_out import FactorOut
from tfflows.bijectors.householder import Householder
from tfflows.bijectors.invertible_conv import InvertibleConv
from tfflows.bijectors.logit import Logit
from tfflows.bijectors.lu_linear import LULinear
from tfflows.bijectors.patches import Patches
from tfflows.bijectors.permutation import Permutation
from tfflows.bijectors.planar import Planar
from tfflows.bijectors.radial import Radial
from tfflows.bijectors.repeated import Repeated
from tfflows.bijectors.squeeze import Squeeze
from tfflows.bijectors.sylvester import Sylvester
from tfflows.bijectors.tail_transform import TailTransform
from tfflows.bijectors.transformer_autoregressive import TransformerAutoregressive

__all__ = [
    "ActNorm",
    "AdditiveCoupling",
    "AffineCoupling",
    "Amortized",
    "Angles",
    "Autoregressive",
    "AutoregressiveSpline",
    "Chain",
    "Coupling",
    "DiagonalAffine",
    "FactorOut",
    "Householder",
    "InverseAutoregressive",
    "InvertibleConv",
    "LULinear",
    "Logit",
    "MaskedAutoregressive",
    "Patches",
    "Permutation",
    "Planar",
    "Radial",
    "Repeated",
    "SplineCoupling",
    "Squeeze",
    "Sylvester",
    "TailTransform",
    "TransformerAutoregressive",
]
