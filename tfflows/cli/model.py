"""The flow of a run: built, compiled and adapted to the data, or loaded."""

import keras

from tfflows import models
from tfflows.cli import data, defaults, run_folder, settings

_WARMUP_STEPS = 300  # of a learning rate that rises from 0; with it, clipping and decay, benchmarks/known_densities.py
_WEIGHT_DECAY = 0.03  # without it a rare point may get a log-density of minus thousands
_BETA_2 = {defaults.AUTOREGRESSIVE: 0.99}  # of Adam: its steps grow less when gradients do, all of a sudden


def build(run):
    """Builds the flow with weights drawn from the run's seed, compiles it and adapts it; nothing is written."""
    chosen = run.settings
    keras.utils.set_random_seed(chosen["seed"])
    cls = getattr(models, defaults.MODELS[chosen["model"]][0])
    run.flow = cls(run.data.event_shape, **_arguments(run), seed=chosen["seed"], dtype=chosen["precision"])
    steps, rate = chosen["epochs"] * run.steps_per_epoch, chosen["learning_rate"]
    warmup = min(_WARMUP_STEPS, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup)
    before = _is_of_before(run)
    decay = 0.0 if chosen["images"] or before else _WEIGHT_DECAY
    beta_2 = 0.999 if before else _BETA_2.get(chosen["model"], 0.999)
    run.flow.compile(keras.optimizers.AdamW(schedule, weight_decay=decay, beta_2=beta_2, global_clipnorm=1.0))
    run.flow.adapt(*data.whole(run, "train"), names=getattr(run.data, "columns", None))


def _is_of_before(run):
    """Whether a run that goes on was begun without weight decay, with the bound of scales of then."""
    return run.saved is not None and "whiten" not in run.saved["settings"]


def _arguments(run):
    dataset, images = run.data, run.settings["images"]
    events = defaults.IMAGES if images else defaults.VECTORS
    names = [option.name for option in settings.model_options(run.settings["model"], events)]
    given = {name: run.settings[name] for name in names}
    if given.get("circular"):
        given["circular"] = settings.places(given["circular"], dataset.columns, *dataset.event_shape)
        period = given["period"]
        given["period"] = period[0] if period and len(period) == 1 else period
    if images:
        given["discrete_levels"] = dataset.discrete_levels
    if run.settings["conditional"] and dataset.num_classes is not None:
        given["num_classes"] = dataset.num_classes
    elif run.settings["conditional"] and data.has_context(dataset):
        given["context_size"] = dataset.context_train.shape[-1]
    if _is_of_before(run) and run.settings["model"] in (defaults.REAL_NVP, defaults.AUTOREGRESSIVE) and not images:
        given["log_scale_bound"] = "tanh"
    return given


def load(run):
    """Loads the flow of a finished run."""
    run.flow = models.load_model(run.folder / run_folder.MODEL)
