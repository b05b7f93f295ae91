"""Entry point of the `tfflows` command: parse, call, print errors."""

import argparse
import os
import sys

_COMMANDS = ("train", "evaluate", "sample", "export")


def main(argv=None):
    """Runs the command line.

    Args:
      argv: list of arguments without the program's name; those of the process by default.

    Returns:
      Exit code: 0 done, 2 wrong input (one line on stderr says what), 130 stopped from the keyboard.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        args = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed the help or what is wrong
        return int(stop.code or 0)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for stream in (sys.stdout, sys.stderr):  # a terminal without UTF-8 shows a question mark instead of failing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return args.run(args, argv[argv.index(args.command) + 1 :])
    except KeyboardInterrupt:
        print("\ntfflows: stopped; a run continues with: tfflows train --resume --output RUN", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError) as error:
        if args.debug:
            raise
        print(f"tfflows: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def parser():
    """The `argparse.ArgumentParser` of all subcommands."""
    from tfflows.cli import evaluate, export, sample, train
    from tfflows.version import __version__

    top = argparse.ArgumentParser(
        prog="tfflows",
        description="Normalizing flows: train one, judge it, draw from it, export it.",
        epilog="`tfflows train` alone trains a RealNVP on two moons in about a minute. `tfflows COMMAND --help` lists "
        "every option with its default.",
    )
    top.add_argument("--version", action="version", version=f"tfflows {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in zip(_COMMANDS, (train, evaluate, sample, export), strict=True):
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.__doc__, formatter_class=HelpWithDefaults
        )
        module.add_arguments(command)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        command.set_defaults(run=module.run)
    return top


class HelpWithDefaults(argparse.ArgumentDefaultsHelpFormatter):
    """Shows each option's default; help of options whose default is a rule says the rule itself."""

    def _get_help_string(self, action):
        return action.help if action.default is None else super()._get_help_string(action)


if __name__ == "__main__":
    sys.exit(main())
