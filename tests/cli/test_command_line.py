"""The parser: helps, exit codes, and that nothing heavy is imported to parse."""

import argparse
import inspect
import pathlib
import subprocess
import sys

import pytest

import tfflows
from tfflows import models
from tfflows.cli import main as cli
from tfflows.cli import registry, train


def _subparsers():
    (action,) = [each for each in cli.parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return action.choices


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "export"])
def test_help_of_every_option_has_its_default(command):
    parser = _subparsers()[command]
    formatter = parser._get_formatter()
    for action in parser._actions:
        if action.option_strings and not isinstance(action, argparse._HelpAction):
            assert "(default: " in formatter._expand_help(action), action.option_strings


def test_help_and_version_exit_with_0(capsys):
    assert cli.main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "--batch-size N examples per step (default: 512, of images 32, of small ones 64)" in text
        and "swiss-roll" in text
    )
    assert cli.main(["--version"]) == 0
    assert tfflows.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required"),
        (["trian"], "invalid choice"),
        (["train", "--epochs", "0"], "a whole number from 1"),
        (["train", "--seed", "-1"], "a whole number from 0"),
        (["train", "--learning-rate", "nan"], "a number above 0"),
        (["train", "--hidden-units", "64,x"], "a whole number from 1"),
        (["train", "--columns", "a,,b"], "column names between commas"),
        (["train", "--precision", "float8"], "invalid choice"),
        (["sample", "run", "--temperature", "0"], "a number above 0"),
        (["evaluate"], "RUN"),
    ],
)
def test_bad_options_exit_with_2(argv, message, capsys):
    assert cli.main(argv) == 2
    assert message in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(FileNotFoundError):
        cli.main(["evaluate", str(tmp_path / "none"), "--debug"])


def test_parsing_imports_nothing_heavy():
    """Apart from what the package itself imports, which is replaced by an empty one here."""
    code = (
        "import sys, types; package = types.ModuleType('tfflows'); package.__path__ = [sys.argv[1]]; "
        "sys.modules['tfflows'] = package; from tfflows.cli.main import main; main(['train', '--help']); "
        "bad = main(['train', '--model', 'real-nvt']); "
        "heavy = {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'{heavy} {bad}' if heavy or bad != 2 else 0)"
    )
    folder = pathlib.Path(tfflows.__file__).parent
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_registered_model_exists_and_has_its_options():
    known = vars(cli.parser().parse_args(["train"]))
    for name, entry in registry.MODELS.items():
        assert hasattr(models, entry.class_name), name
        arguments = inspect.signature(getattr(models, entry.class_name)).parameters
        for options in entry.options.values():
            assert set(options) <= set(known) and set(options) <= set(arguments), name
            assert all(known[option] is None for option in options), "so that a given one is told from a default"


def test_defaults_of_image_models_follow_the_size_of_the_images():
    options = registry.MODELS["glow"].options[3]
    levels = {shape: options["num_levels"](shape) for shape in [(8, 8, 1), (28, 28, 1), (32, 32, 3), (6, 10, 3)]}
    assert list(levels.values()) == [2, 2, 3, 1]
    assert options["hidden_filters"]((8, 8, 1)) < options["hidden_filters"]((32, 32, 3))


def test_patches_divide_the_images():
    patch_size = registry.MODELS["transformer-flow"].options[3]["patch_size"]
    shapes = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (32, 30, 3), (9, 9, 1), (33, 32, 1)]
    assert [patch_size(shape) for shape in shapes] == [2, 4, 4, 2, 1, 1]


def test_options_given_are_told_from_defaults():
    argv = ["--seed", "0", "--no-conditional", "--hidden-units=64,64", "--resume"]
    assert train._given(argv) == {"seed", "conditional", "hidden_units", "resume"}
    assert train._given([]) == set()
