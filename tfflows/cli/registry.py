"""The models `--model` knows; a new model is one entry."""

import dataclasses
import difflib

from tfflows.cli.train import SMALL_SIDE

_VECTORS, _IMAGES = 1, 3  # ranks of events
_KINDS = {_VECTORS: "vectors", _IMAGES: "images"}
_IMAGE_DATA = "digits (with --images where the model takes vectors too), natural-patches, a published set or a folder"


@dataclasses.dataclass(frozen=True)
class Entry:
    """How the command line builds a model.

    Attributes:
      class_name: name of the class in `tfflows.models`.
      options: by rank of the events it takes, 1 for vectors and 3 for images: the settings that its constructor takes
        under the same names, each with its default, which may be a function of the shape of an event.
    """

    class_name: str
    options: dict


def _levels(image_shape):
    """As many as halve both sides evenly and leave at least 2 pixels, 3 at most."""
    fits = [n for n in (1, 2, 3) if all(side % 2**n == 0 and side // 2**n >= 2 for side in image_shape[:2])]
    return max(fits, default=1)


def _patch_size(image_shape):
    """A side of patches that divides both sides of the image: 2 pixels of small images, 4 of others, or less."""
    most = 2 if max(image_shape[:2]) <= SMALL_SIDE else 4
    return next(n for n in (4, 2, 1) if n <= most and all(side % n == 0 for side in image_shape[:2]))


def _by_size(small, large):
    """A default for small images, and one for others."""
    return lambda image_shape: small if max(image_shape[:2]) <= SMALL_SIDE else large


_ALL_IMAGES = {"dequantization": "uniform", "num_bits": None}
MODELS = {
    "real-nvp": Entry(
        "RealNVP",
        {
            _VECTORS: {"num_layers": 8, "hidden_units": [64, 64]},
            _IMAGES: {
                "num_levels": 2,
                "hidden_filters": 32,
                "num_blocks": 2,
                "preprocessing": "logit",
                **_ALL_IMAGES,
            },
        },
    ),
    "glow": Entry(
        "Glow",
        {
            _IMAGES: {
                "num_levels": _levels,
                "steps_per_level": 8,
                "hidden_filters": _by_size(32, 128),
                "coupling": "affine",
                "preprocessing": "scale",
                **_ALL_IMAGES,
            },
        },
    ),
    "transformer-flow": Entry(
        "TransformerFlow",
        {
            _IMAGES: {
                "patch_size": _patch_size,
                "num_flows": 4,
                "num_blocks": 2,
                "units": _by_size(64, 128),
                "num_heads": 4,
                **_ALL_IMAGES,
            },
        },
    ),
    "autoregressive-flow": Entry(
        "AutoregressiveFlow",
        {_VECTORS: {"num_layers": 5, "hidden_units": [64, 64], "parallel": "inverse"}},
    ),
    "neural-spline-flow": Entry(
        "NeuralSplineFlow",
        {_VECTORS: {"num_layers": 5, "hidden_units": [128, 128], "kind": "coupling", "bins": 8}},
    ),
}


def check(name):
    """The canonical spelling of a model's name.

    Raises:
      ValueError: an unknown name; the near misses and the list are given.
    """
    key = name.replace("_", "-").lower()
    if key not in MODELS:
        near = difflib.get_close_matches(key, MODELS, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"Unknown model.{hint} Models: {', '.join(MODELS)}. Received: {name!r}")
    return key


def only_images(name):
    """Whether a model takes images and nothing else."""
    return set(MODELS[name].options) == {_IMAGES}


def completed(settings, dataset):
    """The settings with the model's own defaults for this data in the place of options that were not given.

    Raises:
      ValueError: data that the model cannot take, or options that it does not have for such data.
    """
    name, shape = settings["model"], dataset.event_shape
    options = MODELS[name].options.get(len(shape))
    if options is None:
        kinds = " and ".join(_KINDS[rank] for rank in MODELS[name].options)
        hint = f", such as {_IMAGE_DATA}" if only_images(name) else ""
        raise ValueError(f"{name} takes {kinds}{hint}. Received: {dataset.name} with events of shape {shape}")
    others = {option for entry in MODELS.values() for each in entry.options.values() for option in each} - set(options)
    wrong = sorted(option for option in others if settings.get(option) is not None)
    if wrong:
        raise ValueError(
            f"{name} over {_KINDS[len(shape)]} takes {_listed(options)}. Received: {_listed(wrong)} with data of shape "
            f"{shape}"
        )
    filled = {}
    for option, default in options.items():
        given = settings.get(option)
        filled[option] = given if given is not None else default(shape) if callable(default) else default
    return {**settings, **filled}


def build(settings, dataset, *, conditional):
    """A built flow for a data set.

    Args:
      settings: dict, completed: with `model`, `seed`, `precision` and the model's options.
      dataset: `tfflows.datasets.Dataset` or `ImageStream`.
      conditional: bool, whether the flow takes the data's context.

    Returns:
      `FlowModel`, its weights drawn from `seed`.

    Raises:
      ValueError: options out of range, or that do not fit the data.
    """
    import keras

    from tfflows import models

    entry, rank = MODELS[settings["model"]], len(dataset.event_shape)
    given = {name: settings[name] for name in entry.options[rank]}
    if rank == _IMAGES:
        given["discrete_levels"] = dataset.discrete_levels
    if conditional and dataset.num_classes is not None:
        given["num_classes"] = dataset.num_classes
    elif conditional:
        given["context_size"] = dataset.context_train.shape[-1]
    keras.utils.set_random_seed(settings["seed"])
    return getattr(models, entry.class_name)(
        dataset.event_shape, **given, seed=settings["seed"], dtype=settings["precision"]
    )


def _listed(options):
    return ", ".join("--" + option.replace("_", "-") for option in options)
