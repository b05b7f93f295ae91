"""Bijectors with Keras weights, each a plain `tfb.Bijector`."""

from tfflows.bijectors.actnorm import ActNorm
from tfflows.bijectors.additive_coupling import AdditiveCoupling
from tfflows.bijectors.affine_coupling import AffineCoupling
from tfflows.bijectors.amortized import Amortized
from tfflows.bijectors.autoregressive import Autoregressive
from tfflows.bijectors.autoregressive_spline import AutoregressiveSpline
from tfflows.bijectors.chain import Chain
from tfflows.bijectors.coupling import Coupling
from tfflows.bijectors.diagonal_affine import DiagonalAffine
from tfflows.bijectors.factor_out import FactorOut
from tfflows.bijectors.householder import Householder
from tfflows.bijectors.inverse_autoregressive import InverseAutoregressive
from tfflows.bijectors.invertible_conv import InvertibleConv
from tfflows.bijectors.logit import Logit
from tfflows.bijectors.lu_linear import LULinear
from tfflows.bijectors.masked_autoregressive import MaskedAutoregressive
from tfflows.bijectors.patches import Patches
from tfflows.bijectors.permutation import Permutation
from tfflows.bijectors.planar import Planar
from tfflows.bijectors.radial import Radial
from tfflows.bijectors.repeated import Repeated
from tfflows.bijectors.spline_coupling import SplineCoupling
from tfflows.bijectors.squeeze import Squeeze
from tfflows.bijectors.sylvester import Sylvester
from tfflows.bijectors.tail_transform import TailTransform
from tfflows.bijectors.transformer_autoregressive import TransformerAutoregressive

__all__ = [
    "ActNorm",
    "AdditiveCoupling",
    "AffineCoupling",
    "Amortized",
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
