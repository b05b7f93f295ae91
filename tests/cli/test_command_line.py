"""The parser and the table it is made of: helps, exit codes, and that the table agrees with models and data."""

import argparse
import inspect
import pathlib

import pytest

import tfflows
from tfflows import datasets, models
from tfflows.cli import defaults, options, settings
from tfflows.cli import main as cli
from tfflows.cli import run_folder as cli_run_folder
from tfflows.datasets.tables.table import EXTENSIONS


def _subparsers():
    (action,) = [each for each in cli.parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return action.choices


@pytest.mark.parametrize("command", ["train", "evaluate", "doctor", "score", "sample", "export"])
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


# Smaller than the classes' own, so that a run takes minutes on two cores.
SMALLER = {("real-nvp", "hidden_filters"), ("real-nvp", "num_blocks"), ("glow", "steps_per_level")}
SMALLER |= {("transformer-flow", "num_blocks")}


@pytest.mark.parametrize("name", defaults.MODELS)
def test_the_options_of_a_model_are_its_constructor_s(name):
    class_name, kinds = defaults.MODELS[name]
    arguments = inspect.signature(getattr(models, class_name)).parameters
    for events in kinds:
        chosen = settings.model_options(name, events)
        assert chosen
        for option in chosen:
            assert option.name in arguments and option.known is None, "so that a given one is told from a default"
            default = option.default[name]
            if not isinstance(default, defaults.Rule):
                own = arguments[option.name].default
                same = default == (list(own) if isinstance(own, tuple) else own)
                assert same != ((name, option.name) in SMALLER), option.name
            if "choices" in option.how:
                assert default in option.how["choices"]


def test_every_option_serves_a_model_and_data_that_are_known():
    for option in options.ALL_SETTINGS:
        assert set(option.sources) <= set(defaults.EVENTS), option.name
        if isinstance(option.default, dict):
            assert all(option.events in defaults.MODELS[model][1] for model in option.default), option.name


def test_the_data_offered_are_those_there_are():
    sources = {name.replace("-", "_"): source for name, source in defaults.DATA.items()}
    assert set(sources) == set(datasets.names())
    assert {name for name in sources if sources[name] == defaults.TOY} == set(datasets.toy_names())
    assert {name for name in sources if sources[name] == defaults.PUBLISHED} == set(datasets.tfds_names())
    for name in datasets.embedded_names():
        data = datasets.load(name)
        kind = defaults.VECTORS if data.image_shape is None else defaults.IMAGES
        assert kind == defaults.EVENTS[sources[name]][0]
        assert (data.discrete_levels is not None) == (sources[name] in options.DISCRETE)
    assert defaults.FILES == EXTENSIONS


def _decided(model, option, shape):
    (option,) = [each for each in options.ALL_SETTINGS if each.name == option]
    return option.decide(model, defaults.Case(shape, 1000, {}))


def test_defaults_of_image_models_follow_the_size_of_the_images():
    shapes = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (6, 10, 3)]
    assert [_decided("glow", "num_levels", shape) for shape in shapes] == [2, 2, 3, 1]
    assert _decided("glow", "hidden_filters", (8, 8, 1)) < _decided("glow", "hidden_filters", (32, 32, 3))


def test_patches_divide_the_images():
    shapes = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (32, 30, 3), (9, 9, 1), (33, 32, 1)]
    assert [_decided("transformer-flow", "patch_size", shape) for shape in shapes] == [2, 4, 4, 2, 1, 1]


def test_options_given_are_told_from_defaults():
    argv = ["--seed", "0", "--no-conditional", "--hidden-units=64,64", "--resume"]
    assert cli.parse(["train", *argv]).given == {"command", "seed", "conditional", "hidden_units", "resume"}
    args = cli.parse(["train"])
    assert args.given == {"command"} and args.seed == 0 and args.epochs is None and args.conditional is True


@pytest.mark.parametrize(
    ("text", "command", "words"),
    [
        ("If it has none, pass header=False.", "train", "If it has none, pass --no-header."),
        ("for example columns=['a', 'b c'], or context=", "train", "for example --columns a,b c, or --context"),
        (
            "`labels` needs it. Received: labels=True, context=None",
            "train",
            "--labels needs it. Received: --labels, --context None",
        ),
        ("`seed` and `depth` of x=1", "train", "--seed and `depth` of x=1"),
        ("pass header=False", "evaluate", "pass header=False"),  # which has no such option
    ],
)
def test_errors_speak_of_options(text, command, words):
    assert cli.in_options(text, command) == words


def test_runs_on_other_data_of_the_same_name_do_not_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    default = cli_run_folder.default
    first, second = (str(tmp_path / each / "data.csv") for each in "ab")
    assert default("real-nvp", first) == pathlib.Path("runs/real-nvp-data")
    for data, name in ((first, "real-nvp-data"), (second, "real-nvp-data-2")):
        folder = default("real-nvp", data)
        assert folder == pathlib.Path("runs") / name
        config = {"settings": {"model": "real-nvp", "data": data}, "data": {"event_shape": [2]}}
        cli_run_folder.create(folder, config, overwrite=False)
        assert default("real-nvp", data) == folder  # the same data are refused there, continued or replaced
    assert default("glow", second) == pathlib.Path("runs/glow-data")
