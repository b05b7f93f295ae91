"""The rows of the conformance table of models: what is asked of every one of them, and where it has no meaning."""

import dataclasses
from collections.abc import Callable

ROWS = {}


@dataclasses.dataclass(frozen=True)
class Row:
    """A question to every model.

    Args:
      name: str.
      check: `check(case, folder)`, which fails where the model does not conform.
      quick: names of the cases that are asked by default, which differ in kind; the others under `-m slow`.
      without: dict from tags of cases (`Case.tags`) to why it does not apply to them.
    """

    name: str
    check: Callable
    quick: tuple
    without: dict

    def __str__(self):
        return self.name

    def reason(self, case):
        """Why the row does not apply to a case, or `None`."""
        return next((why for tag, why in self.without.items() if tag in case.tags), None)


def row(*quick, **without):
    """Makes a row of a function; underscores of tags are blanks."""

    def register(check):
        tags = {tag.replace("_context", " context"): why for tag, why in without.items()}
        ROWS[check.__name__] = Row(check.__name__, check, quick, tags)
        return check

    return register
