"""Prints the conformance table of models at the end of a run that asked it something."""

PASSED, FAILED, SLOW, WITHOUT = "pass", "FAIL", "slow", "-"
_outcomes = {}


def pytest_runtest_logreport(report):
    _, found, name = report.nodeid.rpartition("test_model_table.py::test_cell[")
    if found and (report.when == "call" or report.failed):
        _outcomes[name.removesuffix("]")] = PASSED if report.passed else FAILED


def pytest_terminal_summary(terminalreporter):
    if not _outcomes:
        return
    import test_model_table as table

    rows, cases = table.ROWS.values(), table.CASES
    terminalreporter.section("conformance of models")
    width = max(len(case.name) for case in cases)
    numbered = [f"{number:>5}" for number in range(1, len(table.ROWS) + 1)]
    terminalreporter.write_line(" " * width + "".join(numbered))
    for case in cases:
        cells = (WITHOUT if row.reason(case) else _outcomes.get(f"{row}-{case}", SLOW) for row in rows)
        terminalreporter.write_line(f"{case.name:<{width}}" + "".join(f"{cell:>5}" for cell in cells))
    for number, row in enumerate(rows, 1):
        terminalreporter.write_line(f"{number:>3} {row}: {row.check.__doc__.splitlines()[0]}")
        for tag, why in row.without.items():
            terminalreporter.write_line(f"      {WITHOUT} {tag}: {why}")
