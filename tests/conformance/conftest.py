"""The shared bijector of a case, lent to a test that writes its weights."""

import pytest
from trees import restored


@pytest.fixture
def bijector(case):
    """The float32 bijector that all tests share: its weights are put back after the test."""
    with restored(case.shared()) as bijector:
        yield bijector


@pytest.fixture
def double(case):
    """The float64 bijector that all tests share: its weights are put back after the test."""
    with restored(case.shared("float64")) as bijector:
        yield bijector
