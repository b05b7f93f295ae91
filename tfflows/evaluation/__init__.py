"""How good a flow is: anything with `log_prob` and `sample` can be judged.

Every function raises a `ValueError` for an argument that is not as its description says, for no examples, for
log-probabilities that are not one number for each event, and for these or draws that are not finite (how many, where
first).
"""

import typing

from tfflows.evaluation import scores
from tfflows.evaluation.attributes import attribute_direction, attribute_traversal
from tfflows.evaluation.bayes_classifier import BayesClassifier
from tfflows.evaluation.bootstrap import Interval
from tfflows.evaluation.calibration import Calibration, simulation_based_calibration
from tfflows.evaluation.class_densities import ClassGaussians, ClassKernels
from tfflows.evaluation.classification_accuracy import Accuracy, classification_accuracy_score, classifier_accuracy
from tfflows.evaluation.comparison import Comparison, compare
from tfflows.evaluation.confidence import Reliability, reliability
from tfflows.evaluation.copies import Memorisation, memorisation
from tfflows.evaluation.detection import Detection, detection, roc_curve
from tfflows.evaluation.discrete_likelihood import bits_per_dim, discrete_negative_log_likelihood, importance_weighted
from tfflows.evaluation.divergence import reverse_divergence
from tfflows.evaluation.doctor import doctor
from tfflows.evaluation.examination.finding import Finding
from tfflows.evaluation.examination.report import Report
from tfflows.evaluation.fidelity import PrecisionAndRecall, precision_and_recall
from tfflows.evaluation.interpolation import between, interpolations
from tfflows.evaluation.kernel_mixture import KernelMixture
from tfflows.evaluation.likelihood import Estimate, default_batch_size, gap_to_density, negative_log_likelihood
from tfflows.evaluation.reconstruction import Reconstruction, reconstruct
from tfflows.evaluation.surprise import conditional_surprise
from tfflows.evaluation.two_samples import (
    ClassifierTest,
    KernelTest,
    classifier_two_sample_test,
    kernel_two_sample_test,
)

if typing.TYPE_CHECKING:
    from tfflows.evaluation.anomaly_detector import AnomalyDetector

__all__ = [
    "Accuracy",
    "AnomalyDetector",
    "BayesClassifier",
    "Calibration",
    "ClassGaussians",
    "ClassKernels",
    "ClassifierTest",
    "Comparison",
    "Detection",
    "Estimate",
    "Finding",
    "Interval",
    "KernelMixture",
    "KernelTest",
    "Memorisation",
    "PrecisionAndRecall",
    "Reconstruction",
    "Reliability",
    "Report",
    "attribute_direction",
    "attribute_traversal",
    "between",
    "bits_per_dim",
    "classification_accuracy_score",
    "classifier_accuracy",
    "classifier_two_sample_test",
    "compare",
    "conditional_surprise",
    "default_batch_size",
    "detection",
    "discrete_negative_log_likelihood",
    "doctor",
    "gap_to_density",
    "importance_weighted",
    "interpolations",
    "kernel_two_sample_test",
    "memorisation",
    "negative_log_likelihood",
    "precision_and_recall",
    "reconstruct",
    "reliability",
    "reverse_divergence",
    "roc_curve",
    "scores",
    "simulation_based_calibration",
]


def __getattr__(name):
    if name != "AnomalyDetector":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tfflows.evaluation.anomaly_detector import AnomalyDetector  # here: scikit-learn takes a while

    return AnomalyDetector
