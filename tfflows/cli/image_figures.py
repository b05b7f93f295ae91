"""The figures of a flow over images, and how exactly it gives images back."""

import numpy as np

from tfflows import evaluation, plotting
from tfflows.cli import data

_TEMPERATURES = (0.4, 0.6, 0.7, 0.8, 0.9, 1.0)
_ROWS, _COLUMNS, _CLASSES, _PAIRS, SEEN = 4, 10, 10, 6, 512


def draw(run):
    """Figures and facts of a trained flow and its test images.

    Returns:
      `(figures, facts)`: a dict from file names to figures, and `reconstruction_max_error` and
      `reconstruction_mean_error` in levels, `reconstruction_max_float_error` before rounding, and of how many images.
    """
    flow, dataset = run.flow, run.data
    x, labels = data.first(dataset, "test", min(SEEN, dataset.num_examples("test")))
    drawer = ImageFigures(run, x, labels)
    figures = {"samples.png": drawer.samples(), "temperatures.png": drawer.temperatures()}
    figures["interpolation.png"] = drawer.interpolations()
    if flow.num_classes is not None:
        figures["classes.png"] = drawer.classes()
    figures["reconstruction.png"], facts = drawer.reconstructions()
    return figures, facts


class ImageFigures:
    """Each figure of the flow of a run and test images `x`, of classes `labels` if there are any."""

    def __init__(self, run, x, labels):
        self.flow, self.levels, self.seed = run.flow, run.data.discrete_levels, run.settings["seed"]
        self.x, self.labels = x, labels if run.flow.conditional else None
        self.names = list(map(str, run.data.class_names or range(run.data.num_classes or 0)))

    def _drawn(self, count, context, **options):
        return np.asarray(self.flow.sample(count, context=context, seed=self.seed, **options))

    def samples(self, image_shape=None):
        """Test images above samples of the same classes, a column for each where there are some of every one."""
        x, labels, columns, titles = self.x, self.labels, _COLUMNS, None
        if labels is not None:
            chosen = [np.flatnonzero(labels == k)[:_ROWS] for k in range(min(len(self.names), _CLASSES))]
            if all(len(each) == _ROWS for each in chosen):
                order = np.stack(chosen, axis=1).ravel()
                x, labels, columns, titles = x[order], labels[order], len(chosen), self.names[: len(chosen)]
            labels = np.resize(labels, _ROWS * columns)
        samples = np.floor(self._drawn(_ROWS * columns, labels))
        options = {"levels": self.levels, "rows": _ROWS, "columns": columns, "labels": titles}
        return plotting.images_figure(x, samples, image_shape=image_shape, **options)

    def classes(self):
        """Samples of each of the first classes, one class a row."""
        names = self.names[:_CLASSES]
        samples = self._drawn(len(names) * _COLUMNS, np.repeat(np.arange(len(names), dtype=np.int32), _COLUMNS))
        rows = samples.reshape(len(names), _COLUMNS, *samples.shape[1:])
        title = "samples given the class"
        return plotting.image_rows_figure(rows, names, levels=self.levels, ylabel="class", title=title)

    def temperatures(self):
        """The same latents at every temperature, one class a column."""
        classes = np.arange(_COLUMNS, dtype=np.int32) % len(self.names) if self.flow.num_classes is not None else None
        rows = np.stack([self._drawn(_COLUMNS, classes, temperature=each) for each in _TEMPERATURES])
        title = "the same latents in each column"
        return plotting.image_rows_figure(rows, _TEMPERATURES, levels=self.levels, ylabel="temperature", title=title)

    def interpolations(self):
        """Between pairs of test images, of one class where there are classes."""
        x, labels = self.x, self.labels
        if labels is None:
            pairs = np.arange(2 * min(_PAIRS, len(x) // 2) or 2).reshape(-1, 2) % len(x)
        else:
            groups = [np.flatnonzero(labels == k) for k in np.unique(labels)]
            pairs = np.array([each[[0, -1]] for each in groups if len(each) > 1][:_CLASSES] or [[0, 0]])
        context = None if labels is None else labels[pairs[:, 0]]
        first, second = x[pairs[:, 0]], x[pairs[:, 1]]
        between = evaluation.interpolations(self.flow, first, second, context, seed=self.seed)
        titles = None if labels is None else [self.names[k] for k in context]
        return plotting.interpolations_figure(first, second, between, levels=self.levels, labels=titles)

    def reconstructions(self):
        """Test images given back, and how wrong they are: a figure and facts."""
        found = evaluation.reconstruct(self.flow, self.x, self.labels, seed=self.seed)
        title = f"{found.count} test images: wrong by {found.max_error:g} levels at most, {found.mean_error:.2g} in "
        title += f"the mean; before rounding, as shown below, by {found.max_float_error:.1e} at most"
        shown = [each[:_COLUMNS] for each in (self.x, found.examples, found.float_errors)]
        errors = ("max_error", "mean_error", "max_float_error")
        facts = {f"reconstruction_{name}": getattr(found, name) for name in errors}
        figure = plotting.reconstructions_figure(*shown, levels=self.levels, title=title)
        return figure, {**facts, "num_reconstructed": found.count}
