"""How arguments are refused: what was expected, what was received. It imports nothing heavy, for the command line."""

import difflib
import numbers


def check_sizes(least=1, **sizes):
    """Refuses sizes that are not `None`, an integer of at least `least`, or a sequence of such.

    Args:
      least: int.
      **sizes: by the name of the argument.

    Raises:
      ValueError: naming the argument.
    """
    for name, size in sizes.items():
        many = isinstance(size, (tuple, list))
        if not all(_is_integer(each) and each >= least for each in (size if many else () if size is None else (size,))):
            kind = "integers" if many else "an integer"
            raise ValueError(f"`{name}` must be {kind} of at least {least}. Received: {size!r}")


def check_integers(least=1, **numbers):
    """Refuses what is not an integer of at least `least`, as `check_sizes` does, and `None` and sequences as well.

    Raises:
      ValueError: naming the argument.
    """
    for name, number in numbers.items():
        if not _is_integer(number) or number < least:
            raise ValueError(f"`{name}` must be an integer of at least {least}. Received: {number!r}")


def check_choice(known, **choices):
    """Refuses values that are not among the known ones.

    Args:
      known: collection of values.
      **choices: by the name of the argument.

    Raises:
      ValueError: naming the argument.
    """
    for name, value in choices.items():
        if value not in tuple(known):
            raise ValueError(f"`{name}` must be one of {list(known)}. Received: {value!r}")


def did_you_mean(name, known, *, cutoff=0.6):
    """A sentence with the near misses of a name among the known ones, a space before it; empty without any."""
    near = difflib.get_close_matches(str(name), list(map(str, known)), n=3, cutoff=cutoff)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
