"""The figures of a flow over images, and how exactly it gives images back."""

import numpy as np

from tfflows import evaluation, plotting
from tfflows.cli import data

_TEMPERATURES = (0.4, 0.6, 0.7, 0.8, 0.9, 1.0)
_ROWS, _COLUMNS, _CLASSES, _PAIRS, _SEEN = 4, 10, 10, 6, 512


def draw(flow, dataset, seed):
    """Figures and facts of a trained flow and its test images.

    Args:
      flow: `FlowModel`.
      dataset: `tfflows.datasets.Dataset` or `ImageStream` of images.
      seed: int, of samples and noise.

    Returns:
      `(figures, facts)`: a dict from file names to figures, and `reconstruction_max_error` and
      `reconstruction_mean_error` in levels, `reconstruction_max_float_error` before rounding, and of how many images.
    """
    x, labels = data.first(dataset, "test", min(_SEEN, dataset.num_examples("test")))
    labels = labels if flow.conditional else None
    names = list(map(str, dataset.class_names or range(dataset.num_classes or 0)))
    figures = {"samples.png": _samples(flow, dataset, x, labels, names, seed)}
    if flow.num_classes is not None:
        figures["classes.png"] = _classes(flow, dataset, names, seed)
    figures["temperatures.png"] = _temperatures(flow, dataset, names, seed)
    figures["interpolation.png"] = _interpolations(flow, dataset, x, labels, names, seed)
    figures["reconstruction.png"], facts = _reconstructions(flow, dataset, x, labels, seed)
    return figures, facts


def _samples(flow, dataset, x, labels, names, seed):
    """Test images above samples of the same classes, a column for each where there are some of every one."""
    columns, titles = _COLUMNS, None
    if labels is not None:
        chosen = [np.flatnonzero(labels == k)[:_ROWS] for k in range(min(len(names), _CLASSES))]
        if all(len(each) == _ROWS for each in chosen):
            order = np.stack(chosen, axis=1).ravel()
            x, labels, columns, titles = x[order], labels[order], len(chosen), names[: len(chosen)]
    count = _ROWS * columns
    context = None if labels is None else np.resize(labels, count)
    samples = np.asarray(flow.sample(count, context=context, seed=seed))
    levels = dataset.discrete_levels
    return plotting.images_figure(x, samples, levels=levels, rows=_ROWS, columns=columns, labels=titles)


def _classes(flow, dataset, names, seed):
    names = names[:_CLASSES]
    labels = np.repeat(np.arange(len(names), dtype=np.int32), _COLUMNS)
    samples = np.asarray(flow.sample(len(labels), context=labels, seed=seed))
    rows = samples.reshape(len(names), _COLUMNS, *flow.event_shape)
    return plotting.image_rows_figure(
        rows, names, levels=dataset.discrete_levels, ylabel="class", title="samples given the class"
    )


def _temperatures(flow, dataset, names, seed):
    """The same latents at every temperature, one class a column."""
    labels = np.arange(_COLUMNS, dtype=np.int32) % len(names) if flow.num_classes is not None else None
    rows = [
        np.asarray(flow.sample(_COLUMNS, context=labels, seed=seed, temperature=temperature))
        for temperature in _TEMPERATURES
    ]
    return plotting.image_rows_figure(
        np.stack(rows),
        _TEMPERATURES,
        levels=dataset.discrete_levels,
        ylabel="temperature",
        title="the same latents in each column",
    )


def _interpolations(flow, dataset, x, labels, names, seed):
    """Pairs of test images, of one class where there are classes."""
    if labels is None:
        pairs = np.arange(2 * min(_PAIRS, len(x) // 2) or 2).reshape(-1, 2) % len(x)
    else:
        groups = [np.flatnonzero(labels == k) for k in np.unique(labels)]
        pairs = np.array([each[[0, -1]] for each in groups if len(each) > 1][:_CLASSES] or [[0, 0]])
    first, second = x[pairs[:, 0]], x[pairs[:, 1]]
    context = None if labels is None else labels[pairs[:, 0]]
    between = evaluation.interpolations(flow, first, second, context, seed=seed)
    titles = None if labels is None else [names[k] for k in context]
    return plotting.interpolations_figure(first, second, between, levels=dataset.discrete_levels, labels=titles)


def _reconstructions(flow, dataset, x, labels, seed):
    found = evaluation.reconstruct(flow, x, labels, seed=seed)
    shown = slice(0, _COLUMNS)
    figure = plotting.reconstructions_figure(
        x[shown],
        found.examples[shown],
        found.float_errors[shown],
        levels=dataset.discrete_levels,
        title=f"{found.count} test images: wrong by {found.max_error:g} levels at most, {found.mean_error:.2g} in the "
        f"mean; before rounding, as shown below, by {found.max_float_error:.1e} at most",
    )
    return figure, {
        "reconstruction_max_error": found.max_error,
        "reconstruction_mean_error": found.mean_error,
        "reconstruction_max_float_error": found.max_float_error,
        "num_reconstructed": found.count,
    }
