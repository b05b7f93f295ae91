"""The pages of a run: what it is worth, and what is wrong with it."""

import numpy as np

from tfflows import evaluation, plotting
from tfflows.cli import data, image_figures, likelihood, report
from tfflows.cli.page import Page
from tfflows.evaluation.examination.report import COLUMNS

_EXTREME, _ROWS = 12, 6  # images, rows of a table
_TITLES = {
    "samples.png": "test data and samples",
    "digits.png": "test data and samples, as images",
    "latents.png": "latents of the test data",
    "density.png": "density",
    "classes.png": "samples given the class",
    "interpolation.png": "interpolations between test images",
}


def of_evaluation(run, found, judged, other):
    """The page of `tfflows evaluate`: metrics `found`, examples `judged`, and another set with its values or `None`."""
    page = Page(likelihood.headline(run, found))
    page.table(["", ""], [(name.replace("_", " "), value) for name, value in found.items()])
    page.heading("Likelihood of each example")
    others = dict([other] if other else [])
    xlabel = f"negative log-likelihood of an example, {judged.unit}"
    figure = plotting.likelihood_histograms_figure(judged.values, others, xlabel=xlabel)
    page.figure(figure, f"histograms: {', '.join([*judged.values, *others])}")
    if judged.note:
        page.text(judged.note, note=True)
    if other:
        _separation(page, judged, other, found)
    _extremes(page, run, judged)
    for name, figure in _figures(run).items():
        page.heading(_TITLES[name].capitalize())
        page.figure(figure, _TITLES[name])
    training = run.folder / "training.png"
    if training.exists():
        page.heading("Training")
        page.picture(training.read_bytes(), "training and validation loss by epoch")
    return page


def _separation(page, judged, other, found):
    page.heading(f"Told from {other[0]} by likelihood")
    title = f"AUROC {found['against_auroc']:.4f}"
    curve = evaluation.roc_curve(judged.values[judged.name], other[1])
    page.figure(plotting.roc_figure({title: {"likelihood": curve}}), f"receiver operating characteristic: {title}")
    page.text(
        "The probability that an example of the other set is less likely than one of this set; below 0.5 the other set "
        "is more likely to the flow than its own.",
        note=True,
    )


def _extremes(page, run, judged):
    """The most and the least likely examples."""
    values = judged.values[judged.name]
    order = np.argsort(values)
    page.heading(f"Most and least likely of {judged.name}")
    if run.settings["images"]:
        chosen = np.stack([order[:_EXTREME], order[::-1][:_EXTREME]])
        mean = [f"{values[each].mean():.3g} {judged.unit}" for each in chosen]
        labels = [f"most\n{mean[0]}", f"least\n{mean[1]}"]
        figure = plotting.image_rows_figure(judged.x[chosen], labels, levels=run.data.discrete_levels)
        return page.figure(figure, "images: the most likely above, the least likely below")
    chosen = list(dict.fromkeys([*order[:_ROWS], *order[::-1][:_ROWS][::-1]]))
    columns = list(run.data.columns or (f"x{i + 1}" for i in range(judged.x.shape[1])))[:10]
    rows = [(f"{int(i)}", float(values[i]), *map(float, judged.x[i].ravel()[:10])) for i in chosen]
    page.table(["example", judged.unit, *columns], rows)


def _figures(run):
    """Figures of the flow and the test data, those that a run leaves; none where there are no test data."""
    if not run.data.num_examples("test"):
        return {}
    if not run.settings["images"]:
        return report.draw(run)
    x, labels = data.first(run.data, "test", min(image_figures.SEEN, run.data.num_examples("test")))
    drawer = image_figures.ImageFigures(run, x, labels)
    figures = {"samples.png": drawer.samples(), "interpolation.png": drawer.interpolations()}
    return figures | ({"classes.png": drawer.classes()} if run.flow.num_classes is not None else {})


def of_examination(run, found, x, context, args):
    """The page of `tfflows doctor`, of an `evaluation.Report`."""
    verdict = "healthy" if found.healthy else f"{len(found.findings)} found"
    page = Page(f"{found.model}, {run.data.name}: {verdict}")
    page.text(f"{found.examples} examples of {args.split}, {len(found.layers)} layers; run folder {run.folder.name}")
    if found.findings:
        page.heading("Findings")
        rows = [(each.severity, each.name, each.layer, each.expected, each.found) for each in found.findings]
        page.table(["", "what", "where", "expected", "found"], rows)
    if found.unexamined:
        page.text(f"Not examined: {found.unexamined}")
    errors = {name: [row.get(name) for row in found.layers] for name in ("round_trip_error", "log_det_error")}
    errors = {COLUMNS[name]: values for name, values in errors.items()}
    page.heading("Layers")
    names = [row["layer"] for row in found.layers]
    page.figure(plotting.examination_figure(names, errors), "errors of round trips and log-dets by layer")
    rows = [(row["layer"], *(row.get(name) for name in COLUMNS)) for row in found.layers]
    page.table(["layer, data end first", *COLUMNS.values()], rows)
    if found.latents:
        _latents(page, run, found.latents, x, context, args.seed)
    return page


def _latents(page, run, measured, x, context, seed):
    page.heading("Latents against the base")
    page.table(["", ""], [(name.replace("_", " "), value) for name, value in measured.items()])
    z = np.asarray(run.flow.encode(x, context, seed=seed)).reshape(len(x), -1)
    normal = z.shape[1] - len(run.settings.get("circular") or ())  # angles, the others, are uniform
    if normal and np.isfinite(z).all():
        page.figure(plotting.latents_figure(z[:, :normal]), "latents against the standard normal")
