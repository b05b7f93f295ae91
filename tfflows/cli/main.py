"""Entry point of the `tfflows` command: parse, call, print errors."""

import argparse
import functools
import pathlib
import re
import sys
import warnings

from tfflows.cli import doctor, evaluate, export, options, sample, score, train
from tfflows.version import __version__

_COMMANDS = {
    "train": train,
    "evaluate": evaluate,
    "doctor": doctor,
    "score": score,
    "sample": sample,
    "export": export,
}


def main(argv=None):
    """Runs the command line.

    Args:
      argv: list of arguments without the program's name; those of the process by default.

    Returns:
      Exit code: 0 done, 1 `doctor` found something, 2 wrong input (one line on stderr says what), 130 stopped from
      the keyboard.
    """
    try:
        args = parse(argv)
    except SystemExit as stop:  # argparse has printed the help or what is wrong
        return int(stop.code or 0)
    for stream in (sys.stdout, sys.stderr):  # a terminal without UTF-8 shows a question mark instead of failing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = functools.partial(_show, args.command)
            return _COMMANDS[args.command].execute(args)
    except KeyboardInterrupt:
        print("\ntfflows: stopped; a run continues with: tfflows train --resume --output RUN", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError) as error:
        if args.debug:
            raise
        print(f"tfflows: error: {in_options(str(error), args.command)}", file=sys.stderr)
        return 2


def in_options(text, command):
    """A message in one line, in which arguments of Python are the options of a command: `columns`, header=False."""
    flags = {option.name: option.flag for group in _COMMANDS[command].OPTIONS.values() for option in group}
    flags |= {"dtype": flags["precision"]} if "precision" in flags else {}

    def flag(found):
        name, value = found["name"] or found["argument"], found["value"]
        if name not in flags:
            return found[0]
        if value in ("True", "False"):
            return flags[name].replace("--", "--no-" if value == "False" else "--")
        names = ",".join(part.strip().strip("'") for part in (value or "").strip("[]").split(","))
        return f"{flags[name]} {names}".rstrip()

    pattern = r"`(?P<name>\w+)`|\b(?P<argument>\w+)=(?P<value>\[[^\]]*\]|'[^']*'|[\w.-]*\w|)"
    return re.sub(pattern, flag, " ".join(text.split()))


def _show(command, message, *_, **__):
    print(f"tfflows: warning: {in_options(str(message), command)}", file=sys.stderr)


def parse(argv=None):
    """The options as a namespace, those that are not given by their defaults; `given` are the names of the others."""
    given = vars(parser().parse_args(argv))
    groups = [*_COMMANDS[given["command"]].OPTIONS.values(), [options.DEBUG]]
    known = {option.name: option.known for group in groups for option in group}
    return argparse.Namespace(**{**known, **given}, given=set(given))


def parser():
    """The `argparse.ArgumentParser` of all subcommands."""
    top = argparse.ArgumentParser(
        prog="tfflows",
        description="Normalizing flows: train one, judge it, examine it, draw from it, export it.",
        epilog="`tfflows train` alone trains a RealNVP on two moons in about a minute. `tfflows COMMAND --help` lists "
        "every option with its default.",
    )
    top.add_argument("--version", action="version", version=f"tfflows {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.__doc__)
        if name != "train":
            command.add_argument("folder", type=pathlib.Path, metavar="RUN", help="run folder made by tfflows train")
        for title, group in module.OPTIONS.items():
            place = command.add_argument_group(title) if title else command
            for option in group:
                option.add_to(place)
        options.DEBUG.add_to(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
