"""Scores of how little an example belongs to what a density was trained on: higher is further out.

Each is an object with `fit(model, data)`, which returns it, and `score(x)`; `evaluation.detection` says how well its
scores find what lies outside. The plain likelihood can be wrong by more than chance: smooth images are more likely
under a flow of photographs than photographs are (Nalisnick et al., arXiv 1810.09136).
"""

from tfflows.evaluation.scores.base import Score
from tfflows.evaluation.scores.code_length import code_lengths
from tfflows.evaluation.scores.gradient_norm import GradientNorm
from tfflows.evaluation.scores.input_complexity import InputComplexity
from tfflows.evaluation.scores.likelihood import Likelihood
from tfflows.evaluation.scores.likelihood_ratio import LikelihoodRatio, mutated
from tfflows.evaluation.scores.summary_statistics import SummaryStatistics
from tfflows.evaluation.scores.typicality import Typicality
from tfflows.evaluation.scores.waic import WAIC

__all__ = [
    "GradientNorm",
    "InputComplexity",
    "Likelihood",
    "LikelihoodRatio",
    "Score",
    "SummaryStatistics",
    "Typicality",
    "WAIC",
    "code_lengths",
    "mutated",
]
