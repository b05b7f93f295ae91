"""Whether what has to be initialised from data was."""

from tfflows.bijectors import Chain
from tfflows.evaluation.examination.finding import error
from tfflows.joint import KerasBijector

NEVER_ADAPTED = "never adapted"
_EXPECTED = "weights initialised from data: `flow.adapt(data)`, or `fit`"


def examine(layer):
    if isinstance(layer.core, KerasBijector) and not layer.core.adapted:
        yield error(NEVER_ADAPTED, layer.name, _EXPECTED, "the weights it was made with")


def examine_flow(patient):
    for name, adapted in patient.others:
        if not adapted:
            yield error(NEVER_ADAPTED, name, _EXPECTED, "the weights it was made with")
    layers = patient.bijector.keras_layers if isinstance(patient.bijector, Chain) else ()
    for each in layers:  # what standardises the context for all links
        if not getattr(each, "adapted", True) and patient.context is not None:
            yield error(NEVER_ADAPTED, f"the context ({each.name})", _EXPECTED, "the weights it was made with")
