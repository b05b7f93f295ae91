"""Options of the architectures' constructors: each written once, its default, its meaning and what is refused."""

import dataclasses
import inspect
import numbers
import textwrap
from collections.abc import Callable, Iterable

import keras

from tfflows import arguments, layers
from tfflows.ops import numerics


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a constructor; `None` is a value of those whose default it is.

    Attributes:
      default: its value where none is given; where it is a bool or a float, what is given has to be one.
      meaning: str, for the docstring.
      least: int, the least value of an integer.
      among: the values to choose from.
      convert: function that gives what is kept of a value, and refuses what cannot be meant; `tuple` keeps a sequence
        of integers of at least 1.
      ndims: int, number of axes of the events that it exists for; `None` for all.
    """

    default: object
    meaning: str
    least: int | None = None
    among: tuple = ()
    convert: Callable | None = None
    ndims: int | None = None

    def kept(self, name, value):
        """What is kept of a value; refuses a bad one, naming the option."""
        if value is None and self.default is None:
            return None
        if self.least is not None:
            arguments.check_integer(self.least, **{name: value})
            return int(value)
        if isinstance(self.default, float):
            arguments.check_number(**{name: value})
        if self.among or isinstance(self.default, bool):
            arguments.check_choice(self.among or (True, False), **{name: value})
        if self.convert is tuple:
            if not isinstance(value, Iterable):
                raise ValueError(f"`{name}` must be a sequence of integers. Received: {value!r}")
            arguments.check_sizes(**{name: tuple(value)})
        return value if self.convert is None else self.convert(value)


def shared(*names, **defaults):
    """A table of options that several models have, with other defaults where they are given."""
    return {n: dataclasses.replace(_SHARED[n], default=defaults.get(n, _SHARED[n].default)) for n in names}


def only_for(ndims, options):
    """A table of the same options, which exist for events of so many axes alone."""
    return {name: dataclasses.replace(option, ndims=ndims) for name, option in options.items()}


def described(docstring, options):
    """The docstring of a class, with the arguments before what is raised."""
    entries = (f"{name}: {option.meaning}" for name, option in options.items())
    lines = [textwrap.fill(each, 120, initial_indent=" " * 6, subsequent_indent=" " * 8) for each in entries]
    before, raises, after = (docstring or "").partition("    Raises:\n")
    return "\n".join([f"{before}    Args:", *lines, f"\n{raises}{after}"])


def parameters(options):
    """What a signature shows: the shape of an event, which may be given by position, then keywords."""
    first, others = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    kinds = {name: others if i else first for i, name in enumerate(options)}
    return [inspect.Parameter(name, kinds[name], default=option.default) for name, option in options.items()]


def _seed(value):
    if not isinstance(value, numbers.Integral):
        raise ValueError(f"`seed` must be an integer or None. Received: {value!r}")
    return int(value)


def log_scale_bound(value):
    """A name or limit as it is, refused if there is no such bound."""
    numerics.log_scale_bound(value)
    return value


def _dequantization(value):
    known = ["uniform", "variational"]
    if not (value is None or value in known or isinstance(value, layers.Dequantization)):
        raise ValueError(
            f"`dequantization` must be one of {known}, a tfflows.layers.Dequantization or None. Received: {value!r}"
        )
    return value


_SHARED = {
    "num_layers": Option(5, "int, at least 1.", least=1),
    "hidden_units": Option((64, 64), "ints, widths of the hidden layers of each network.", convert=tuple),
    "residual": Option(False, "bool, skip connections in the networks, between hidden layers of equal width."),
    "mixing": Option(
        "none",
        'what stands between layers: "none", "permutation", "lu" or "householder", see `models.vectors.mixing`.',
        among=("lu", "householder", "permutation", "none"),
    ),
    "tails": Option(False, "bool, a learned `bijectors.TailTransform` nearest to the data."),
    "whiten": Option(
        False,
        "bool, whether `adapt` also whitens vectors, by a linear map that stays as it is "
        '(`bijectors.InvertibleConv(whiten="symmetric")`): a gain where columns are many, alike, and rows are few.',
    ),
    "discrete_levels": Option(256, "int, pixels are integers from 0 to this minus 1.", least=2),
    "num_bits": Option(None, "int, bits that are kept of a pixel; `None` for all.", least=1),
    "dequantization": Option(
        "uniform",
        '"uniform", "variational", a `layers.Dequantization`, or `None` for images of reals, standardised.',
        convert=_dequantization,
    ),
    "preprocessing": Option(
        "scale",
        'of dequantized images: "scale" to `x / levels - 1/2`, or "logit" of `0.05 + 0.9 x / levels`.',
        among=("scale", "logit"),
    ),
    "context_size": Option(
        None,
        "int, size of a float context, which `adapt` standardises and every network gets; `None` for none.",
        least=1,
    ),
    "num_classes": Option(None, "int, number of classes of a class-conditional flow; `None` for none.", least=1),
    "activation": Option("relu", "hidden activation of the networks.", convert=keras.activations.get),
    "log_scale_bound": Option(
        "tanh", "name or limit, of affine layers, see `ops.numerics.log_scale_bound`.", convert=log_scale_bound
    ),
    "seed": Option(
        None,
        "int, of initial weights, permutations, orders, rotations and the noise of a dequantization; `None` follows "
        "Keras's global seed (permutations and orders of vectors are those of seed 0).",
        convert=_seed,
    ),
    "name": Option(None, "str."),
    "dtype": Option(None, "Keras precision policy, see `FlowModel`."),
}
