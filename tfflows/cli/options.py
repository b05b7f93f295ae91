"""The options of the commands: parser, help, defaults and refusals follow from these tables. A new model is a line in
`defaults.MODELS`, and its options here."""

import argparse
import csv
import dataclasses
import math
import pathlib

from tfflows.cli import defaults
from tfflows.cli.defaults import AUTOREGRESSIVE, DATA, FOLDER, GLOW, MODELS, REAL_NVP, SPLINE, TABLE, TRANSFORMER, Rule


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
      name: of the setting; the flag is the same with hyphens.
      help: what it is, without its default and the models it is for.
      default: the value if it is not given, a `Rule` for it, or a dict from the models that have the option to either.
      how: dict, what `add_argument` takes besides.
      sources: which data it is for, of those in `defaults.EVENTS`; all by default.
      events: `VECTORS` or `IMAGES` if it is for one of them.
      short: another flag.
    """

    name: str
    help: str
    default: object
    how: dict = dataclasses.field(default_factory=dict)
    sources: tuple = tuple(defaults.EVENTS)
    events: str | None = None
    short: tuple = ()

    @property
    def flag(self):
        """As it is typed."""
        return "--" + self.name.replace("_", "-")

    @property
    def known(self):
        """The default, `None` as long as it depends on the model or the data."""
        return None if isinstance(self.default, (Rule, dict)) else self.default

    def serves(self, model, events):
        """Whether a model of vectors or images has it."""
        return self.events in (None, events) and (not isinstance(self.default, dict) or model in self.default)

    def decide(self, model, case):
        """The default for a model and a `Case`."""
        default = self.default[model] if isinstance(self.default, dict) else self.default
        return default.decide(case) if isinstance(default, Rule) else default

    def text(self):
        """The help with its models and its default."""
        if not isinstance(self.default, dict):
            return f"{self.help} (default: {_shown(self.default)})"
        all_have_it = set(self.default) == {name for name, (_, events) in MODELS.items() if self.events in events}
        whose = "" if all_have_it else f"of {' and '.join(self.default)}: "
        shown = [_shown(default) for default in self.default.values()]
        if len(set(shown)) > 1:
            shown = ["; ".join(f"{name} {text}" for name, text in zip(self.default, shown, strict=True))]
        return f"{whose}{self.help} (default: {shown[0]})"

    def add_to(self, parser):
        """Adds it to an `argparse` parser or group, without its default, so that what is given shows."""
        parser.add_argument(*self.short, self.flag, help=self.text(), default=argparse.SUPPRESS, **self.how)


def _shown(default):
    if isinstance(default, (Rule, bool)):
        return default.text if isinstance(default, Rule) else "yes" if default else "no"
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)


def _number(kind, accepts, wanted):
    """A converter of text to numbers of a kind that it accepts."""

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"{wanted} is needed. Received: {text!r}")
        return value

    return convert


positive_int = _number(int, lambda value: value >= 1, "a whole number from 1")
natural = _number(int, lambda value: 0 <= value < 2**31, "a whole number from 0, below 2^31")  # TensorFlow's seeds
positive_float = _number(float, lambda value: 0 < value < math.inf, "a number above 0")


def names(text):
    """Column names between commas, each quoted where it holds a comma itself."""
    found = [name.strip() for name in next(csv.reader([text]), [])]
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"column names between commas are needed. Received: {text!r}")
    return found


def widths(text):
    """Whole numbers from 1 between commas."""
    return [positive_int(part) for part in text.split(",")]


def periods(text):
    """Numbers above 0 between commas."""
    return [positive_float(part) for part in text.split(",")]


def among(*names):
    """What `add_argument` takes for a choice."""
    return {"choices": names}


def path(metavar):
    """What `add_argument` takes for a path."""
    return {"type": pathlib.Path, "metavar": metavar}


def checked_file(path, kinds, *, overwrite):
    """The path of a file to write; refused if it ends otherwise, is there already, or its folder is not."""
    if path.suffix.lower() not in kinds:
        raise ValueError(f"--out must end in {' or '.join(kinds)}. Received: {path}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: --overwrite to replace it, or another --out")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of --out must exist. Received: {path}")
    return path


ON, YES_NO = {"action": "store_true"}, {"action": argparse.BooleanOptionalAction}
NUMBER, DRAWS = ({"type": positive_int, "metavar": metavar} for metavar in "NK")
WIDTHS = {"type": widths, "metavar": "N,N"}
COLUMNS = {"type": names, "metavar": "A,B"}
PERIODS = {"type": periods, "metavar": "P,P"}
SEED, POSITIVE = {"type": natural}, {"type": positive_float}
PRECISIONS = among("float32", "mixed_float16", "mixed_bfloat16", "float64")
NOISE, FAST = among("uniform", "variational"), among("inverse", "forward")

DISCRETE = (defaults.DIGITS, defaults.PATCHES, defaults.PUBLISHED, FOLDER)
_SIZED, _LABELLED = (defaults.TOY, defaults.PUBLISHED), (TABLE, FOLDER)
_MODELS = ", ".join(f"{name} (of {' or of '.join(events)})" for name, (_, events) in MODELS.items())
_PUBLISHED = [name for name, source in DATA.items() if source == defaults.PUBLISHED]
_DATA = (
    f"{', '.join(name for name in DATA if name not in _PUBLISHED)}; of TensorFlow Datasets (TFDS_DATA_DIR says where "
    f"it is): {', '.join(_PUBLISHED)}; or the path of a {', '.join(defaults.FILES)} file, or of a folder of images"
)
_UNIFORM, _ALL = (dict.fromkeys((REAL_NVP, GLOW, TRANSFORMER), each) for each in ("uniform", Rule("all")))
_WIDTHS = {REAL_NVP: [64, 64], AUTOREGRESSIVE: [64, 64], SPLINE: [128, 128]}
_TAILS = {REAL_NVP: False, AUTOREGRESSIVE: False, SPLINE: True}
_FILTERS, _BLOCKS = {REAL_NVP: 32, GLOW: defaults.by_size(32, 128)}, {REAL_NVP: 2, TRANSFORMER: 2}
IMPORTANCE = "draws of noise for the importance-weighted bound of discrete data"
_NUM_TRAIN = "examples to draw from a toy density or to use of a published set"
_PATIENCE = "epochs without a better validation loss after which training stops; the best epoch's weights are kept"

DEBUG = Option("debug", "show the traceback of an error", False, ON)
OF_THE_RUN = [
    Option("output", "run folder", Rule("runs/MODEL-DATA, with a number after it for other data"), path("RUN")),
    Option("resume", "continue a stopped run with the settings in its config.json", False, ON),
    Option("overwrite", "replace the run in the run folder", False, ON),
]
_GROUPS = {
    "model": [
        ("model", f"which flow: {_MODELS}", "real-nvp"),
        ("seed", "of data, weights, order and noise", 0, SEED),
        ("precision", "Keras dtype policy; log-densities stay float32", "float32", PRECISIONS),
    ],
    "data": [
        ("data", _DATA, "two-moons"),
        ("columns", "columns of a file to model", Rule("all others"), COLUMNS, (TABLE,)),
        ("context", "columns of a file to condition on, numbers or text", Rule("none"), COLUMNS, (TABLE,)),
        ("labels", "the context of a file is class labels; subfolders are classes", defaults.LABELS, YES_NO, _LABELLED),
        ("header", "a .csv starts with column names", True, YES_NO, (TABLE,)),
        ("key", "which array of an .npz is the table", Rule("the only one, or x"), {}, (TABLE,)),
        ("images", "take digits as images rather than vectors", Rule("if the model takes only images"), YES_NO),
        ("image_size", "cut and shrink the images of a folder to N x N", defaults.SAME_SIZE, NUMBER, (FOLDER,)),
        ("skip_bad_images", "leave out unreadable images of a folder, naming them", False, ON, (FOLDER,)),
        ("conditional", "condition on the labels or context of the data, when there are any", True, YES_NO),
        ("num_train", _NUM_TRAIN, defaults.SIZE, NUMBER, _SIZED),
    ],
    "training": [
        ("batch_size", "examples per step", defaults.by_events(512, 32, 64), NUMBER),
        ("epochs", "passes over the data", defaults.EPOCHS, NUMBER),
        (
            "learning_rate",
            "of Adam, to 0 as a cosine; weights over vectors decay",
            defaults.by_events(3e-3, 1e-3, 5e-3),
            POSITIVE,
        ),
        ("patience", _PATIENCE, 50, NUMBER),
        ("importance_draws", IMPORTANCE, defaults.IMPORTANCE, DRAWS, DISCRETE),
        ("tensorboard", "write curves, and grids of images, into RUN/tensorboard", False, ON),
    ],
    "models of vectors": [
        ("num_layers", "number of layers of the flow", {REAL_NVP: 8, AUTOREGRESSIVE: 5, SPLINE: 5}, NUMBER),
        ("hidden_units", "widths of the hidden layers of each conditioner", _WIDTHS, WIDTHS),
        ("tails", "learn how heavy the tails of each column are", _TAILS, YES_NO),
        ("whiten", "start from whitened columns", dict.fromkeys(_TAILS, False), YES_NO),
        ("kind", "which layers", {SPLINE: "coupling"}, among("coupling", "autoregressive")),
        ("circular", "columns that are angles, by name or number", {SPLINE: Rule("none")}, COLUMNS),
        ("period", "after which they repeat themselves, for all or for each", {SPLINE: Rule("2 pi: radians")}, PERIODS),
        ("bins", "bins of a spline", {SPLINE: 8}, NUMBER),
        ("parallel", "what is fast, log-probabilities or samples", {AUTOREGRESSIVE: "inverse"}, FAST),
    ],
    "models of images": [
        ("num_levels", "number of scales", {REAL_NVP: 2, GLOW: defaults.LEVELS}, NUMBER),
        ("steps_per_level", "steps of flow in each scale", {GLOW: 8}, NUMBER),
        ("hidden_filters", "filters of the hidden layers of each network", _FILTERS, NUMBER),
        ("num_blocks", "residual blocks of a network, or blocks of a transformer", _BLOCKS, NUMBER),
        ("patch_size", "side of a patch in pixels", {TRANSFORMER: defaults.PATCH_SIZE}, NUMBER),
        ("num_flows", "autoregressive layers", {TRANSFORMER: 4}, NUMBER),
        ("units", "width of each transformer", {TRANSFORMER: defaults.by_size(64, 128)}, NUMBER),
        ("num_heads", "heads of attention", {TRANSFORMER: 4}, NUMBER),
        ("coupling", "what its coupling layers are", {GLOW: "affine"}, among("affine", "additive")),
        ("preprocessing", "of pixels before the flow", {REAL_NVP: "logit", GLOW: "scale"}, among("scale", "logit")),
        ("dequantization", "what makes reals of whole numbers; a variational noise is learned", _UNIFORM, NOISE),
        ("num_bits", "bits that are kept of a pixel", _ALL, NUMBER),
        ("grids_every", "epochs between pictures of samples in RUN/progress", defaults.GRIDS_EVERY, NUMBER),
    ],
}
_EVENTS = {"models of vectors": defaults.VECTORS, "models of images": defaults.IMAGES}
SETTINGS = {  # by group, each under its name in config.json
    title: [dataclasses.replace(Option(*each), events=_EVENTS.get(title)) for each in group]
    for title, group in _GROUPS.items()
}
ALL_SETTINGS = [option for group in SETTINGS.values() for option in group]
