"""How good a flow is: anything with `log_prob` and `sample` can be judged.

Every function raises a `ValueError` for an argument that is not as its description says, for no examples, for
log-probabilities that are not one number for each event, and for these or draws that are not finite (how many, where
first).
"""

from tfflows.evaluation import scores
from tfflows.evaluation.bootstrap import Interval
from tfflows.evaluation.calibration import Calibration, simulation_based_calibration
from tfflows.evaluation.comparison import Comparison, compare
from tfflows.evaluation.detection import Detection, detection, roc_curve
from tfflows.evaluation.discrete_likelihood import bits_per_dim, discrete_negative_log_likelihood, importance_weighted
from tfflows.evaluation.divergence import reverse_divergence
from tfflows.evaluation.doctor import doctor
from tfflows.evaluation.examination.finding import Finding
from tfflows.evaluation.examination.report import Report
from tfflows.evaluation.interpolation import between, interpolations
from tfflows.evaluation.likelihood import Estimate, default_batch_size, gap_to_density, negative_log_likelihood
from tfflows.evaluation.reconstruction import Reconstruction, reconstruct

__all__ = [
    "Calibration",
    "Comparison",
    "Detection",
    "Estimate",
    "Finding",
    "Interval",
    "Reconstruction",
    "Report",
    "between",
    "bits_per_dim",
    "compare",
    "default_batch_size",
    "detection",
    "discrete_negative_log_likelihood",
    "doctor",
    "gap_to_density",
    "importance_weighted",
    "interpolations",
    "negative_log_likelihood",
    "reconstruct",
    "reverse_divergence",
    "roc_curve",
    "scores",
    "simulation_based_calibration",
]
