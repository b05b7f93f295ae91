"""What a trained run leaves behind: the flow, its metrics, its figures."""

import math
import time

import numpy as np

from tfflows import plotting
from tfflows.cli import image_figures, likelihood, run_folder, training

_POINTS, _GRID = 5_000, 200


def write(run, facts, *, started):
    """Writes model.keras, saved_model/, the figures and metrics.json of a trained run, and prints what matters.

    `facts` are those of `training.train`, `started` is `time.perf_counter()` at the start of the command.
    """
    images, folder = run.settings["images"], run.folder
    with run_folder.replacing(folder / run_folder.MODEL) as path:
        run.flow.save(path)
    export(run.flow, folder / run_folder.SAVED_MODEL)
    importance = run.settings["importance_draws"]
    found = likelihood.measure(run, "test", seed=run.settings["seed"], importance_draws=importance)
    figures, more = image_figures.draw(run) if images else (draw(run), {})
    figures["training.png"] = plotting.training_figure(
        *training.read_log(folder),
        best_epoch=facts["best_epoch"],
        entropy=found.get("entropy_nats"),
        num_dims=math.prod(run.data.event_shape) if images else None,
    )
    for name, figure in figures.items():
        plotting.headed(figure, likelihood.headline(run, found)).savefig(folder / name)
    found.update(facts, **more, num_weights=run.flow.count_params(), seconds=time.perf_counter() - started)
    run_folder.write_json(folder / run_folder.METRICS, found)
    print("\n".join(likelihood.lines(found)))
    print(
        f"trained:     {facts['epochs']} epochs (best: {facts['best_epoch']}), {facts['steps']:,} steps in "
        f"{facts['train_seconds']:.0f} s ({facts['steps_per_second']:.0f} a second)"
    )
    print(f"run folder:  {folder}")


def export(flow, path):
    """Writes a SavedModel folder in the place of one that may be there."""
    with run_folder.replacing(path) as beside:
        flow.export(str(beside))


def draw(run):
    """The figures of a flow over vectors and its test data, a dict from file names to figures."""
    flow, data, seed = run.flow, run.data, run.settings["seed"]
    count = min(_POINTS, len(data.test))
    context = data.context_test[:count] if flow.conditional else None
    x = data.dequantized("test", seed=seed)[:count]
    samples = np.asarray(flow.sample(count, context=context, seed=seed))
    bounds = data.density and data.density.bounds
    figures = {"samples.png": plotting.samples_figure(x, samples, names=data.columns, bounds=bounds)}
    normal = math.prod(flow.event_shape) - len(run.settings.get("circular") or ())  # angles, the others, are uniform
    if normal:
        figures["latents.png"] = plotting.latents_figure(np.asarray(flow.encode(x, context))[:, :normal])
    if flow.event_shape == (2,) and not flow.conditional:
        figures["density.png"] = _density(flow, data, x, bounds)
    elif flow.event_shape == (1,):
        figures["density.png"] = _density_of_one(flow, data, x, context)
    if data.name == "digits":
        pictures = image_figures.ImageFigures(run, data.test, data.context_test)
        figures["digits.png"] = pictures.samples(image_shape=(8, 8))
    return figures


def _density_of_one(flow, data, x, context):
    """Of one column; with a context the mean over the contexts of some rows, which is the density of the column."""
    low, high = np.quantile(x, [0.001, 0.999])
    grid = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), _GRID)
    if context is None:
        log_prob, what = np.asarray(flow.log_prob(grid[:, None])), "flow"
    else:
        context = context[:_GRID]
        each = np.asarray(flow.log_prob(grid[:, None, None], context[None]), np.float64)
        log_prob = np.logaddexp.reduce(each, axis=1) - math.log(len(context))
        what = f"flow, mean over {len(context)} contexts"
    return plotting.density_curve_figure(grid, log_prob, x[:, 0], name=data.columns and data.columns[0], label=what)


def _density(flow, data, x, bounds):
    if bounds is None:
        low, high = np.quantile(x, [0.001, 0.999], axis=0)
        pad = 0.1 * (high - low)
        bounds = np.stack([low - pad, high + pad], axis=1)
    grids = [np.linspace(*bound, _GRID) for bound in bounds]
    points = np.stack(np.meshgrid(*grids), axis=-1).reshape(-1, 2)
    true = None if data.density is None else data.density.log_prob(points).reshape(_GRID, _GRID)
    log_prob = np.asarray(flow.log_prob(points)).reshape(_GRID, _GRID)
    return plotting.density_figure(*grids, log_prob, true_log_prob=true, names=data.columns)
