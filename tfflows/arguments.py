"""How arguments are refused: what was expected, what was received. It imports nothing heavy, for the command line."""

import difflib
import importlib.util
import math
import numbers

EXPORT_FORMATS = {  # how a path must end, and the packages that write and run it
    "tf_saved_model": ("", ()),
    "onnx": ("", ("tf2onnx", "onnxruntime")),
    "litert": (".tflite", ()),
    "openvino": (".xml", ("openvino", "tf2onnx")),
}


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


def check_integer(least=1, most=None, **values):
    """Refuses values that are not one integer from `least` to `most`; where that is `None` there is no upper end.

    Raises:
      ValueError: naming the argument.
    """
    for name, value in values.items():
        if not _is_integer(value) or value < least or (most is not None and value > most):
            bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise ValueError(f"`{name}` must be an integer {bounds}. Received: {value!r}")


def check_number(least=-math.inf, **values):
    """Refuses values that are not a finite real number of at least `least`.

    Raises:
      ValueError: naming the argument.
    """
    for name, value in values.items():
        if not isinstance(value, numbers.Real) or not math.isfinite(value) or value < least:
            kind = "a finite number" if least == -math.inf else f"a number of at least {least}"
            raise ValueError(f"`{name}` must be {kind}. Received: {value!r}")


def check_positive(**values):
    """Refuses values that are not a positive finite number, `True` among them.

    Raises:
      ValueError: naming the argument.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be a positive finite number. Received: {value!r}")


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


def check_export(format, path):
    """Refuses a format that is not in `EXPORT_FORMATS`, a path that ends otherwise, and to go on without its packages.

    Raises:
      ValueError: naming the format, or how the path must end.
      ImportError: naming what to install; packages are looked for, not imported.
    """
    check_choice(EXPORT_FORMATS, format=format)
    suffix, packages = EXPORT_FORMATS[format]
    if not str(path).endswith(suffix):
        raise ValueError(f"The file of {format} must end in {suffix}. Received: {str(path)!r}")
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ImportError(f"{format} needs: pip install {' '.join(packages)}. Received: no {' and no '.join(missing)}")


def did_you_mean(name, known, *, cutoff=0.6):
    """A sentence with the near misses of a name among the known ones, a space before it; empty without any."""
    near = difflib.get_close_matches(str(name), list(map(str, known)), n=3, cutoff=cutoff)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
