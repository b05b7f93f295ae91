"""The floors of the package: a file imports only from floors below its own, and some libraries live in one place."""

import ast
import pathlib

import pytest

import tfflows

PACKAGE = pathlib.Path(tfflows.__file__).parent
FLOORS = {
    "version": 0,
    "ops": 0,
    "answers": 1,
    "bridge": 1,
    "serialization": 1,
    "bijectors": 2,
    "networks": 2,
    "distributions": 2,
    "losses": 3,
    "metrics": 3,
    "layers": 3,
    "datasets": 3,
    "export": 3,
    "models": 4,
    "callbacks": 4,
    "evaluation": 5,
    "plotting": 5,
    "cli": 6,
}
IN_ORDER = {"answers": 0, "bridge": 1, "serialization": 2}  # the single files of floor 1
SIBLINGS = {"bijectors", "networks", "distributions"}
HOMES = {"matplotlib": "plotting", "tensorflow_datasets": "datasets", "argparse": "cli"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_floors_below(path):
    here = room(path)
    if here == "__init__":
        return
    for name in imports(path):
        if not name.startswith("tfflows."):
            continue
        there = name.split(".")[1]
        if there == here:
            continue
        if here in IN_ORDER and there in IN_ORDER:
            assert IN_ORDER[there] < IN_ORDER[here], f"{here} imports {name}"
        else:
            assert FLOORS[there] < FLOORS[here], f"{here} (floor {FLOORS[here]}) imports {name}"
        assert not (here in SIBLINGS and there in SIBLINGS), f"{here} imports its sibling {there}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path):
    for name in imports(path):
        top = name.split(".")[0]
        assert top != "tf_keras" and not name.startswith(("tensorflow.keras", "tensorflow.compat.v1")), name
        assert HOMES.get(top, room(path)) == room(path), f"{room(path)} imports {name}"
        if name.startswith(("tensorflow_probability.python", "keras.src")):
            assert room(path) == "bridge", f"private {name} outside bridge.py"
    source = path.read_text()
    for forbidden in ("tf.keras", "tfp.layers"):
        assert forbidden not in source.replace("tf_keras", ""), forbidden


def test_every_room_has_a_floor_and_no_vague_name():
    for path in FILES:
        assert room(path) in FLOORS or room(path) == "__init__", path
        assert path.stem not in {"utils", "helpers", "common", "misc"}, path


def test_files_hold_one_concept():
    long = {str(path.relative_to(PACKAGE)): n for path in FILES if (n := len(path.read_text().splitlines())) > 400}
    assert not long
