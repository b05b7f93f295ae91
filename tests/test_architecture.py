"""The floors of the package: a file imports only from floors below its own, and some libraries live in one place."""

import ast
import pathlib

import pytest

import tfflows

PACKAGE = pathlib.Path(tfflows.__file__).parent
FLOORS = {  # of each room: a file imports from its own room and from rooms of floors below
    "version": -1,
    "arguments": -1,
    "ops": 0,
    "solvers": 0,
    "joint": 1,
    "bijectors": 2,
    "networks": 2,
    "distributions": 2,
    "losses": 3,
    "metrics": 3,
    "layers": 3,
    "datasets": 3,
    "export": 3,
    "fitting": 4,
    "models": 5,
    "callbacks": 5,
    "evaluation": 6,
    "plotting": 6,
    "cli": 7,
}
FORMER = {"bridge", "serialization"}  # places of before, which hand on what is now in joint/
SHORT = {"fitting", "models", "cli"}  # rooms whose functions have at most so many lines
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 40
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


def module_of(path):
    parts = ("tfflows", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}
PACKAGES = {name for name, path in MODULES.items() if path.stem == "__init__"}


def modules_imported(path):
    """Our modules that a file imports: the module itself where it imports a name out of one."""
    for name in imports(path):
        while name.startswith("tfflows.") and name not in MODULES:
            name = name.rpartition(".")[0]
        if name in MODULES and name != module_of(path):
            yield name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_floors_below(path):
    here = room(path)
    if here == "__init__" or here in FORMER:
        return
    for name in modules_imported(path):
        there = name.split(".")[1] if "." in name else "__init__"
        assert there not in FORMER, f"{here} imports {name}"
        if there != here:
            assert FLOORS[there] < FLOORS[here], f"{here} (floor {FLOORS[here]}) imports {name}"


def test_no_file_imports_itself_by_a_detour():
    # A package's __init__ only hands on names: whoever imports one from it imports the files below.
    inner = {m: {n for n in modules_imported(path) if n not in PACKAGES} for m, path in MODULES.items()}
    state = {}

    def visit(name, route):
        if state.get(name) == "left":
            return
        assert name not in route, " -> ".join([*route[route.index(name) :], name])
        for each in sorted(inner[name]):
            visit(each, [*route, name])
        state[name] = "left"

    for name in sorted(MODULES):
        visit(name, [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path):
    for name in imports(path):
        top = name.split(".")[0]
        assert top != "tf_keras" and not name.startswith(("tensorflow.keras", "tensorflow.compat.v1")), name
        assert HOMES.get(top, room(path)) == room(path), f"{room(path)} imports {name}"
        if name.startswith(("tensorflow_probability.python", "tensorflow.python", "keras.src")):
            assert room(path) == "joint", f"private {name} outside joint/"
    source = path.read_text()
    for forbidden in ("tf.keras", "tfp.layers"):
        assert forbidden not in source.replace("tf_keras", ""), forbidden


def test_every_room_has_a_floor_and_no_vague_name():
    for path in FILES:
        assert room(path) in FLOORS or room(path) in FORMER or room(path) == "__init__", path
        assert path.stem not in {"utils", "helpers", "common", "misc"}, path


def test_files_hold_one_concept():
    files = [*FILES, *pathlib.Path(__file__).parent.rglob("*.py")]
    assert not {str(path): n for path in files if (n := len(path.read_text().splitlines())) > MOST_LINES}


@pytest.mark.parametrize("path", [f for f in FILES if room(f) in SHORT], ids=module_of)
def test_functions_are_short(path):
    tree = ast.walk(ast.parse(path.read_text()))
    functions = [node for node in tree if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert not {f.name: n for f in functions if (n := lines_of_code(f)) > MOST_LINES_OF_A_FUNCTION}


def lines_of_code(function):
    """Signature and body, without the docstring."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    whole = function.end_lineno - function.lineno + 1
    return whole - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)
