"""Distributions beyond those of TFP, and the likelihoods that decoders are trained with.

An argument that is not as its description says is refused with a `ValueError`.
"""

from tfflows.distributions.discretized_logistic import DiscretizedLogistic
from tfflows.distributions.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    DiscretizedLogisticLikelihood,
    Likelihood,
)

__all__ = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "DiscretizedLogistic",
    "DiscretizedLogisticLikelihood",
    "Likelihood",
]
