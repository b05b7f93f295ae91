"""What a trained run leaves behind: the flow, its metrics, its figures."""

import math
import os
import shutil
import time

import numpy as np

from tfflows import datasets, plotting
from tfflows.cli import image_figures, likelihood, run_folder, training

_POINTS, _GRID = 5_000, 200


def write(run, facts, *, started):
    """Writes model.keras, saved_model/, the figures and metrics.json, and prints what matters.

    Args:
      run: `Run`, trained.
      facts: dict of `training.train`.
      started: `time.perf_counter()` at the start of the command.
    """
    flow, folder, seed, images = run.flow, run.folder, run.settings["seed"], run.settings["images"]
    save(flow, folder / run_folder.MODEL)
    export(flow, folder / run_folder.SAVED_MODEL)
    found = likelihood.measure(run, "test", seed=seed, importance_draws=run.settings["importance_draws"])
    train, validation = training.read_log(folder)
    figures, more = image_figures.draw(flow, run.data, seed) if images else (draw(flow, run.data, seed), {})
    figures["training.png"] = plotting.training_figure(
        train,
        validation,
        best_epoch=facts["best_epoch"],
        entropy=found.get("entropy_nats"),
        num_dims=math.prod(run.data.event_shape) if images else None,
    )
    for name, figure in figures.items():
        figure.savefig(folder / name)
    found.update(facts, **more, num_weights=flow.count_params(), seconds=time.perf_counter() - started)
    run_folder.write_json(folder / run_folder.METRICS, found)
    print("\n".join(likelihood.lines(found)))
    print(
        f"trained:     {facts['epochs']} epochs (best: {facts['best_epoch']}), {facts['steps']:,} steps in "
        f"{facts['train_seconds']:.0f} s ({facts['steps_per_second']:.0f} a second)"
    )
    print(f"run folder:  {folder}")


def save(flow, path):
    """Writes a .keras file that is always whole."""
    beside = path.with_name("part-" + path.name)
    flow.save(beside)
    os.replace(beside, path)


def export(flow, path):
    """Writes a SavedModel folder in the place of one that may be there."""
    beside = path.with_name("part-" + path.name)
    shutil.rmtree(beside, ignore_errors=True)
    flow.export(str(beside))
    shutil.rmtree(path, ignore_errors=True)
    os.replace(beside, path)


def draw(flow, dataset, seed):
    """The figures of a flow over vectors and its test data, a dict from file names to figures."""
    count = min(_POINTS, len(dataset.test))
    context = dataset.context_test[:count] if flow.conditional else None
    x = dataset.dequantized("test", seed=seed)[:count]
    samples = np.asarray(flow.sample(len(x), context=context, seed=seed))
    density = dataset.density
    bounds = None if density is None else density.bounds
    latents = np.asarray(flow.encode(x, context))
    figures = {
        "samples.png": plotting.samples_figure(x, samples, names=dataset.columns, bounds=bounds),
        "latents.png": plotting.latents_figure(latents),
    }
    if flow.event_shape == (2,) and not flow.conditional:
        figures["density.png"] = _density(flow, dataset, x, bounds)
    if dataset.name == datasets.digits.__name__:
        figures["digits.png"] = _digits(flow, dataset, seed)
    return figures


def _density(flow, dataset, x, bounds):
    if bounds is None:
        low, high = np.quantile(x, [0.001, 0.999], axis=0)
        pad = 0.1 * (high - low)
        bounds = np.stack([low - pad, high + pad], axis=1)
    grids = [np.linspace(*bound, _GRID) for bound in bounds]
    points = np.stack(np.meshgrid(*grids), axis=-1).reshape(-1, 2)
    true = None if dataset.density is None else dataset.density.log_prob(points).reshape(_GRID, _GRID)
    log_prob = np.asarray(flow.log_prob(points)).reshape(_GRID, _GRID)
    return plotting.density_figure(*grids, log_prob, true_log_prob=true, names=dataset.columns)


def _digits(flow, dataset, seed, rows=4):
    columns = 10 if flow.conditional else 12
    labels = np.tile(np.arange(columns, dtype=np.int32), rows) if flow.conditional else None
    x = dataset.test
    if flow.conditional:  # each column one digit, above as below
        x = np.stack([x[dataset.context_test == k][:rows] for k in range(columns)], axis=1).reshape(-1, x.shape[1])
    samples = np.floor(np.asarray(flow.sample(rows * columns, context=labels, seed=seed)))
    return plotting.images_figure(
        x,
        samples,
        image_shape=(8, 8),
        levels=dataset.discrete_levels,
        rows=rows,
        columns=columns,
        labels=dataset.class_names if flow.conditional else None,
    )
