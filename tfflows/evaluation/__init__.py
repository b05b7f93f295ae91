"""How good a flow is: anything with `log_prob` and `sample` can be judged.

Every function raises a `ValueError` for an argument that is not as its description says, for no examples, for
log-probabilities that are not one number for each event, and for these or draws that are not finite (how many, where
first).
"""

import typing

from tfflows.evaluation.calibration import Calibration, simulation_based_calibration
from tfflows.evaluation.discrete_likelihood import bits_per_dim, discrete_negative_log_likelihood, importance_weighted
from tfflows.evaluation.divergence import reverse_divergence
from tfflows.evaluation.interpolation import between, interpolations
from tfflows.evaluation.kernel_mixture import KernelMixture
from tfflows.evaluation.likelihood import Estimate, default_batch_size, gap_to_density, negative_log_likelihood
from tfflows.evaluation.reconstruction import Reconstruction, reconstruct
from tfflows.evaluation.surprise import conditional_surprise

if typing.TYPE_CHECKING:
    from tfflows.evaluation.anomaly_detector import AnomalyDetector

__all__ = [
    "AnomalyDetector",
    "Calibration",
    "Estimate",
    "KernelMixture",
    "Reconstruction",
    "between",
    "bits_per_dim",
    "conditional_surprise",
    "default_batch_size",
    "discrete_negative_log_likelihood",
    "gap_to_density",
    "importance_weighted",
    "interpolations",
    "negative_log_likelihood",
    "reconstruct",
    "reverse_divergence",
    "simulation_based_calibration",
]


def __getattr__(name):
    if name != "AnomalyDetector":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tfflows.evaluation.anomaly_detector import AnomalyDetector  # here: scikit-learn takes a while

    return AnomalyDetector
