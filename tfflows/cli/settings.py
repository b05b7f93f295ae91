"""The settings of a run: taken from the options, refused where they do not fit, completed when the data are known."""

import importlib.util
import pathlib

from tfflows.arguments import did_you_mean
from tfflows.cli import defaults, options
from tfflows.cli.defaults import (
    AUTOREGRESSIVE,
    DATA,
    EVENTS,
    FILES,
    FOLDER,
    IMAGES,
    MODELS,
    REAL_NVP,
    SPLINE,
    TABLE,
    VECTORS,
)


def of(args):
    """The settings that parsed options ask for, as a dict that is the same after a trip through JSON."""
    wanted = {option.name: getattr(args, option.name) for option in options.ALL_SETTINGS}
    model = wanted["model"].replace("_", "-").lower()
    if model not in MODELS:
        near = did_you_mean(model, MODELS, cutoff=0.5)
        raise ValueError(f"Unknown model.{near} Models: {', '.join(MODELS)}. Received: {wanted['model']!r}")
    return {**wanted, "model": model, "data": data_name(wanted["data"])}


def data_name(text):
    """One spelling for each data set: the absolute path of a file or folder that exists, or a name with hyphens."""
    key = text.replace("_", "-").replace("/", "-").lower()  # TensorFlow Datasets writes lsun/tower
    if key in DATA:
        return key
    path, kinds = pathlib.Path(text), ", ".join(FILES)
    is_table = path.suffix.lower() in FILES
    if not path.exists() and not is_table and not {"/", "\\"} & set(text):
        raise ValueError(
            f"Unknown data set.{did_you_mean(key, DATA)} Names: {', '.join(DATA)}; or the path of a file that ends in "
            f"one of {kinds}, or of a folder of images. Received: {text!r}"
        )
    if not path.exists():
        raise ValueError(f"A data file or folder that exists is needed. Received: {text!r}, which does not exist")
    if not path.is_dir() and not is_table:
        raise ValueError(f"The file must end in one of {kinds}. Received: {text!r}")
    return str(path.resolve())


def source_of(data):
    """Where data come from, of `defaults.EVENTS`, by their name or path."""
    return DATA.get(data) or (FOLDER if pathlib.Path(data).is_dir() else TABLE)


def check(settings, given):
    """Refuses options that do not fit the data or the model; `given` are the names of those on the command line."""
    model, data = settings["model"], settings["data"]
    given = [option for option in options.ALL_SETTINGS if option.name in given]
    unfit = [option for option in given if source_of(data) not in option.sources]
    if unfit:
        wrong = [option for option in unfit if option.sources == unfit[0].sources]
        raise ValueError(f"Only {' or '.join(unfit[0].sources)} takes {_flags(wrong)}. Received: --data {data}")
    columns_of(settings)
    if settings["tensorboard"] and importlib.util.find_spec("tensorboard") is None:
        raise ImportError("--tensorboard needs its package: pip install tensorboard")
    events = events_of(settings)
    wrong = [option for option in given if not option.serves(model, events)]
    if wrong:
        taken = _flags(model_options(model, events))
        raise ValueError(f"{model} over {events} takes {taken}. Received: {_flags(wrong)} with --data {data}")
    _check_angles(settings)
    check_size(settings, _known_size(settings))


def _check_angles(settings):
    circular, period, columns = (settings[option] for option in ("circular", "period", "columns"))
    count = len(circular or ())
    if period and len(period) not in (1, count) or period and not count:
        raise ValueError(f"--period takes one number, or one for each column of --circular. Received: {period}")
    if circular and columns and not settings["data"].lower().endswith((".npy", ".npz")):
        places(circular, columns, len(columns))


def _known_size(settings):
    """How many columns of a table are modelled, as far as its name and its first line say."""
    if settings["columns"] or settings["context"] or not settings["data"].lower().endswith(".csv"):
        return settings["columns"] and len(settings["columns"])
    with open(settings["data"], errors="replace") as file:
        return None if set(file.readline()) & set(",;\t") else 1


def check_size(settings, size):
    """Refuses vectors of one entry for a model that cannot take them; `size` may be `None`, not known yet."""
    model = settings["model"]
    couples = model == REAL_NVP or model == SPLINE and settings["kind"] in (None, "coupling")
    if size == 1 and couples and not settings["images"]:
        kind = "" if model == REAL_NVP else " --kind coupling"
        raise ValueError(
            f"One column to model needs --model {SPLINE} --kind autoregressive, or --model {AUTOREGRESSIVE}. "
            f"Received: --model {model}{kind}, which takes 2 or more"
        )


def events_of(settings):
    """Whether the examples are vectors or images; refused where the data or the model have none of those asked for."""
    model, data, images = settings["model"], settings["data"], settings["images"]
    held, taken = EVENTS[source_of(data)], MODELS[model][1]
    only_images = taken == (IMAGES,)
    events = held[-1 if only_images else 0] if images is None else IMAGES if images else VECTORS
    if events not in held:
        wrong, option = ("no images", "--images") if images else ("images", "--no-images")
        raise ValueError(f"{data} holds {wrong}. Received: {option}")
    if events not in taken:
        such_as = "digits (with --images where the model takes vectors too), natural-patches, a published set or a"
        wanted = f"{' and '.join(taken)}{f', such as {such_as} folder' if only_images else ''}"
        raise ValueError(f"{model} takes {wanted}. Received: {data}, whose examples are {events}")
    return events


def model_options(model, events):
    """The options that are arguments of a model's constructor."""
    return [each for each in options.ALL_SETTINGS if isinstance(each.default, dict) and each.serves(model, events)]


def columns_of(settings):
    """`columns` and `context` as the reader of the file takes them: names, or of arrays indices."""
    chosen = {option: settings[option] for option in ("columns", "context")}
    if not settings["data"].lower().endswith((".npy", ".npz")):
        return chosen
    for option, columns in chosen.items():
        try:
            chosen[option] = columns and [int(column) for column in columns]
        except ValueError as error:
            wanted = "Columns of .npy and .npz files are chosen by index"
            raise ValueError(f"{wanted}. Received: --{option} {','.join(columns)}") from error
    return chosen


def places(circular, columns, size):
    """The numbers of the columns that are angles, given by name, or by number where columns have no names."""
    known = list(map(str, range(size) if columns is None else columns))
    strange = [name for name in circular if name not in known]
    if strange:
        near = did_you_mean(strange[0], known)
        raise ValueError(f"--circular takes columns of the data: {', '.join(known)}.{near} Received: {strange[0]!r}")
    return [known.index(name) for name in circular]


def completed(settings, shape, num_train):
    """The settings with all that depends on the data decided: on the shape and the number of examples to train on."""
    settings = {**settings, "images": len(shape) == 3}
    check_size(settings, *shape[:1])
    case = defaults.Case(shape, num_train, settings)
    for option in options.ALL_SETTINGS:
        serves = option.serves(settings["model"], IMAGES if settings["images"] else VECTORS)
        if settings[option.name] is None and serves:
            settings[option.name] = option.decide(settings["model"], case)
    return settings


def _flags(of):
    return ", ".join(option.flag for option in of)
