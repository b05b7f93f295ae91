"""The conformance table of models: every row asks every model; its shape is complete.

`python -m pytest tests/conformance/models -m "slow or not slow"` runs all cells and prints the table.
"""

import pytest
import rows_of_files  # noqa: F401 (each fills `ROWS`)
import rows_of_inputs  # noqa: F401
import rows_of_numbers  # noqa: F401
import rows_of_threads  # noqa: F401
import rows_of_training  # noqa: F401
from model_cases import CASES
from rows import ROWS

from tfflows import layers, models

CELLS = [
    pytest.param(row, case, id=f"{row}-{case}", marks=() if case.name in row.quick else pytest.mark.slow)
    for row in ROWS.values()
    for case in CASES
    if row.reason(case) is None
]


@pytest.mark.parametrize(("row", "case"), CELLS)
def test_cell(row, case, tmp_path):
    row.check(case, tmp_path)


def test_every_public_model_and_posterior_layer_is_a_column():
    posteriors = {name for name in layers.__all__ if issubclass(getattr(layers, name), layers.Posterior)}
    public = {name for name in models.__all__ if isinstance(getattr(models, name), type)} | posteriors
    through_their_layers = {"Posterior", "VariationalAutoencoder"}
    assert {case.of.__name__ for case in CASES} == public - through_their_layers, "a line for it in model_cases.py"
    assert all(type(case.make("float32")) is models.VariationalAutoencoder for case in CASES[-1:])


def test_variants_that_are_other_models_are_columns():
    made = {(case.of, name, value) for case in CASES for name, value in case.options.items() if isinstance(value, str)}
    kinds = {(layers.SylvesterPosterior, "kind", kind) for kind in ("orthogonal", "householder", "triangular")}
    for of, name in ((models.NeuralSplineFlow, "kind"), (models.AutoregressiveFlow, "parallel")):
        kinds |= {(of, name, value) for value in of.options[name].among}
    assert kinds == made
    assert {case.kind for case in CASES if case.of is models.RealNVP} == {"reals", "levels"}


def test_every_row_is_asked_of_every_model_or_says_why_not():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    tags = set().union(*(case.tags for case in CASES))
    for row in ROWS.values():
        assert row.check.__doc__ and set(row.without) <= tags and set(row.quick) <= set(names)
        assert 2 <= len(row.quick) and all(len(why) > 10 for why in row.without.values())
        assert not [case.name for case in CASES if case.name in row.quick and row.reason(case)]
    assert set(ROWS) == {
        "float64", "labels", "label_range", "value_range", "uncompiled", "threads", "threads_beside_fit",
        "one_seed_one_training", "weights", "frozen_parts", "derivatives", "streams", "callbacks_of_batches",
        "save_and_load", "export", "empty_and_single_batches",
    }  # fmt: skip
