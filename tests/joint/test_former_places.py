"""`tfflows.bridge` and `tfflows.serialization` hand on, with a warning, what is in `tfflows.joint` now."""

import importlib
import sys

import pytest

import tfflows
from tfflows.joint import composition, keras_bijector, serialization, weights

NAMES = {
    "bridge": {
        composition: ("adapt", "context_kwargs", "evaluate", "unadapted"),
        keras_bijector: ("KerasBijector", "clone", "outside_scratch_graphs"),
        weights: ("AdoptedVariables", "adopt", "audit", "keras_layers_of", "variables_read", "weights_of"),
    },
    "serialization": {serialization: ("deserialize", "difference", "serialize")},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["import", "attribute"])
def test_former_places_warn_and_give_the_same_objects(name, how, monkeypatch):
    monkeypatch.delitem(sys.modules, f"tfflows.{name}", raising=False)
    monkeypatch.delitem(vars(tfflows), name, raising=False)  # where an import leaves it
    with pytest.warns(DeprecationWarning, match=f"tfflows.{name} is now tfflows.joint"):
        former = importlib.import_module(f"tfflows.{name}") if how == "import" else getattr(tfflows, name)
    for module, names in NAMES[name].items():
        assert all(getattr(former, each) is getattr(module, each) for each in names)
