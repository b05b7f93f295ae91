"""Bijectors with Keras weights, each a plain `tfb.Bijector`."""

from tfflows.bijectors.actnorm import ActNorm
from tfflows.bijectors.additive_coupling import AdditiveCoupling
from tfflows.bijectors.affine_coupling import AffineCoupling
from tfflows.bijectors.chain import Chain
from tfflows.bijectors.coupling import Coupling
from tfflows.bijectors.logit import Logit
from tfflows.bijectors.permutation import Permutation
from tfflows.bijectors.repeated import Repeated

__all__ = ["ActNorm", "AdditiveCoupling", "AffineCoupling", "Chain", "Coupling", "Logit", "Permutation", "Repeated"]
