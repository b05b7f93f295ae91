"""Whether every weight is seen by Keras and by TFP."""

from tfflows.evaluation.examination.finding import error
from tfflows.joint.weights import unseen

UNTRACKED = "untracked weight"


def examine(patient, layers):
    """After the layers were evaluated, which tells what each of them reads."""
    copies = {id(v) for layer in layers if not layer.own for v in layer.bijector.variables}
    reads = [v for layer in layers for v in layer.reads if id(v) not in copies]
    for what, names in unseen(patient.weights, patient.root, reads).items():
        for i, name in names.items():
            layer = next((each.name for each in layers if i in {id(v) for v in each.reads}), "the flow")
            yield error(UNTRACKED, layer, "a weight that Keras and TFP both see, to train and save", f"{name}: {what}")
