"""Bijections of one number with parameters, for every entry: what couplings and autoregressive flows are given."""

from tfflows.ops.elementwise.affine import Affine, GatedAffine, Shift
from tfflows.ops.elementwise.by_entry import ByEntry
from tfflows.ops.elementwise.elementwise_map import ElementwiseMap, Invert
from tfflows.ops.elementwise.rational_quadratic_spline import RationalQuadraticSpline

__all__ = ["Affine", "ByEntry", "ElementwiseMap", "GatedAffine", "Invert", "RationalQuadraticSpline", "Shift"]
