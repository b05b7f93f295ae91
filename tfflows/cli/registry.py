"""The models `--model` knows; a new model is one entry."""

import dataclasses
import difflib


@dataclasses.dataclass(frozen=True)
class Entry:
    """How the command line builds a model.

    Attributes:
      class_name: name of the class in `tfflows.models`.
      options: settings that its constructor takes under the same names.
      event_rank: rank of its events: 1 for vectors, 3 for images.
    """

    class_name: str
    options: tuple
    event_rank: int = 1


MODELS = {
    "real-nvp": Entry("RealNVP", options=("num_layers", "hidden_units")),
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


def build(settings, dataset, *, conditional):
    """A built flow for a data set.

    Args:
      settings: dict with `model`, `seed`, `precision` and the model's options.
      dataset: `tfflows.datasets.Dataset`.
      conditional: bool, whether the flow takes the data's context.

    Returns:
      `FlowModel`, its weights drawn from `seed`.

    Raises:
      ValueError: data that the model cannot take, or options out of range.
    """
    import keras

    from tfflows import models

    entry = MODELS[settings["model"]]
    if len(dataset.event_shape) != entry.event_rank:
        raise ValueError(
            f"{settings['model']} models events of rank {entry.event_rank}. "
            f"Received: {dataset.name} with events of shape {dataset.event_shape}"
        )
    context = {}
    if conditional and dataset.num_classes is not None:
        context = {"num_classes": dataset.num_classes}
    elif conditional:
        context = {"context_size": dataset.context_train.shape[-1]}
    keras.utils.set_random_seed(settings["seed"])
    return getattr(models, entry.class_name)(
        dataset.event_shape,
        **{name: settings[name] for name in entry.options},
        **context,
        seed=settings["seed"],
        dtype=settings["precision"],
    )
