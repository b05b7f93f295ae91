"""What an examination comes to: findings and what was measured, as a page for the terminal and as JSON."""

import dataclasses
import json
import math

_MOST_LAYERS, _MOST_FINDINGS = 14, 20  # that fit on a page
COLUMNS = {  # of a layer's row, by what is measured
    "round_trip_error": "round trip",
    "log_det_error": "log-det",
    "deviation": "deviation",
    "condition": "condition",
    "saturated": "saturated",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """Findings about a flow on a batch.

    Attributes:
      model: str, its name.
      examples: int, how many were looked at.
      findings: tuple of `Finding`s, errors first; none of a healthy flow.
      layers: tuple of dicts, data end first: `layer`, and as far as they were measured `round_trip_error` (the largest,
        relative to an entry and the deviation of all, in the flow's own precision), `log_det_error` (nats, of events of
        up to 64 entries), `deviation` (of the entry of the latents that is furthest from 1), `condition` (of a linear
        layer) and `saturated` (the share of scales at their bound).
      latents: dict, how latents compare with the base: `worst_dimension`, `worst_mean`, `worst_deviation`,
        `worst_distance`, `mean`, `deviation`, `distance`; empty of fewer than 50 examples and of posteriors.
      unexamined: str, what was not looked at, because of what was found or as a layer has no such answer, or "".
    """

    model: str
    examples: int
    findings: tuple
    layers: tuple
    latents: dict
    unexamined: str = ""

    @property
    def healthy(self):
        """Whether nothing was found."""
        return not self.findings

    @property
    def names(self):
        """What was found, each name once, in order."""
        return list(dict.fromkeys(finding.name for finding in self.findings))

    def facts(self):
        """All of it as a dict of numbers, text and lists; numbers that are not finite are `None`."""
        return _plain({"healthy": self.healthy, **dataclasses.asdict(self)})

    def to_json(self):
        """`facts()` as text."""
        return json.dumps(self.facts(), indent=2, allow_nan=False)

    def __str__(self):
        count = len(self.findings)
        verdict = "healthy" if self.healthy else f"{count} finding{'s' * (count > 1)}"
        lines = [f"{self.model}: {verdict} ({len(self.layers)} layers, {self.examples} examples)"]
        for finding in self.findings[:_MOST_FINDINGS]:
            lines += [f"  {finding.severity}: {finding.name}, in {finding.layer}"]
            lines += [f"    expected: {finding.expected}", f"    found:    {finding.found}"]
        if count > _MOST_FINDINGS:
            lines += [f"  and {count - _MOST_FINDINGS} more"]
        if self.unexamined:
            lines += [f"  not examined: {self.unexamined}"]
        return "\n".join([*lines, *self._table(), *self._of_latents()])

    def _table(self):
        """Layers with what was measured, those with the largest errors where there are many."""
        shown = list(self.layers)
        if len(shown) > _MOST_LAYERS:
            worst = sorted(shown, key=lambda row: -(_number(row, "round_trip_error") + _number(row, "log_det_error")))
            shown = [row for row in shown if any(row is each for each in worst[:_MOST_LAYERS])]
        columns = {name: title for name, title in COLUMNS.items() if any(name in row for row in shown)}
        if not columns:
            return []
        width = max(len(row["layer"]) for row in shown)
        of = f"{len(shown)} of {len(self.layers)}, the largest errors" if len(shown) < len(self.layers) else "all"
        lines = [
            "",
            f"layers, data end first ({of}):",
            f"  {'':{width}}" + "".join(f"{t:>12}" for t in columns.values()),
        ]
        for row in shown:
            cells = (f"{row[name]:.1e}" if name in row else "" for name in columns)
            lines.append(f"  {row['layer']:{width}}" + "".join(f"{cell:>12}" for cell in cells))
        return lines

    def _of_latents(self):
        if not self.latents:
            return []
        found = self.latents
        return [
            "",
            f"latents against the base: mean {found['mean']:.2f}, deviation {found['deviation']:.2f}, distribution "
            f"functions apart by {found['distance']:.3f} in the mean;",
            f"  worst in dimension {found['worst_dimension']}: mean {found['worst_mean']:.2f}, deviation "
            f"{found['worst_deviation']:.2f}, apart by {found['worst_distance']:.3f}",
        ]


def _number(row, name):
    value = row.get(name, 0.0)
    return value if math.isfinite(value) else math.inf


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
