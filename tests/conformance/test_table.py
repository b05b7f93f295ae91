"""The table is complete."""

from cases import CASES
from trees import modules

from tfflows import bijectors

ABSTRACT = {"Amortized"}  # bases without formulas of their own; their subclasses are in the table


def test_every_public_bijector_has_a_case():
    tested = {type(each).__name__ for case in CASES for each in modules(case.shared())}
    assert set(bijectors.__all__) - ABSTRACT - tested == set(), "add a line to tests/conformance/cases.py"


def test_abstract_bases_have_a_tested_subclass():
    for name in ABSTRACT:
        base = getattr(bijectors, name)
        assert any(isinstance(each, base) for case in CASES for each in modules(case.shared()))


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_cases_marked_weightless_have_no_weights():
    assert {case.name: bool(case.shared().trainable_variables) for case in CASES} == {
        case.name: case.weights for case in CASES
    }
