"""What the doctor finds."""

import dataclasses

ERROR, WARNING = "error", "warning"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a flow.

    Attributes:
      name: str, what: one of those that `evaluation.doctor` lists.
      severity: "error" (densities or samples are wrong, or cannot be trained) or "warning".
      layer: str, where; "the flow" or "the base" of the whole.
      expected: str.
      found: str.
    """

    name: str
    severity: str
    layer: str
    expected: str
    found: str

    def __str__(self):
        return f"{self.severity}: {self.name} in {self.layer}: expected {self.expected}; found {self.found}"


def error(name, layer, expected, found):
    """A `Finding` that is an error."""
    return Finding(name, ERROR, layer, expected, found)


def warning(name, layer, expected, found):
    """A `Finding` that is a warning."""
    return Finding(name, WARNING, layer, expected, found)
