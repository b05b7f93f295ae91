"""Figures hold the arrays they were given, on axes that say what they show."""

import matplotlib
import matplotlib.figure
import matplotlib.pyplot
import numpy as np
import pytest

from tfflows import plotting


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def _labels(axes):
    return axes.get_xlabel(), axes.get_ylabel()


def _saved(figure, tmp_path):
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.savefig(tmp_path / "figure.png", dpi=50)
    return (tmp_path / "figure.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_samples_of_the_plane_share_limits_and_show_every_point(tmp_path):
    data, samples = _normal(300, 2), 5 + _normal(200, 2, seed=1)
    figure = plotting.samples_figure(data, samples, names=("height (cm)", "weight (kg)"))
    left, right = figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), data)
    np.testing.assert_allclose(right.collections[0].get_offsets(), samples)
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()
    assert left.get_xlim()[1] < 5, "the data, not the samples, set the limits"
    assert _labels(left) == ("height (cm)", "weight (kg)")
    assert _saved(figure, tmp_path)


def test_samples_of_the_plane_take_bounds():
    figure = plotting.samples_figure(_normal(9, 2), _normal(9, 2), bounds=((-1, 2), (-3, 4)))
    assert figure.axes[1].get_xlim() == (-1, 2) and figure.axes[1].get_ylim() == (-3, 4)


def test_samples_of_more_dimensions_are_pairs_of_columns_that_vary(tmp_path):
    data = _normal(100, 6)
    data[:, 1] = 7.0
    figure = plotting.samples_figure(data, _normal(80, 6, seed=1), names=list("abcdef"), max_columns=3)
    grid = np.array(figure.axes).reshape(3, 3)
    assert [axes.get_xlabel() for axes in grid[2]] == ["a", "c", "d"]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["", "c", "d"]
    np.testing.assert_allclose(grid[2, 1].collections[0].get_offsets(), data[:, [2, 3]])
    assert not grid[0, 2].axison and "100" in figure.legends[0].get_texts()[0].get_text()
    assert _saved(figure, tmp_path)


def test_density_is_the_exponential_on_one_scale_with_the_truth(tmp_path):
    x, y = np.linspace(-3, 3, 31), np.linspace(-2, 2, 21)
    log_prob = -0.5 * (x[None] ** 2 + y[:, None] ** 2)
    figure = plotting.density_figure(x, y, log_prob, true_log_prob=np.full([21, 31], -np.inf))
    truth, flow, colorbar = figure.axes
    np.testing.assert_allclose(np.asarray(flow.collections[0].get_array()).reshape(21, 31), np.exp(log_prob))
    assert not np.asarray(truth.collections[0].get_array()).any()
    assert flow.collections[0].get_clim() == truth.collections[0].get_clim()
    assert flow.get_title() == "flow" and "per unit area" in colorbar.get_ylabel()
    assert _saved(figure, tmp_path)
    assert len(plotting.density_figure(x, y, log_prob).axes) == 2


def test_density_of_one_number_is_a_curve_over_a_histogram_of_its_area(tmp_path):
    x, data = np.linspace(-4, 4, 201), _normal(1000)
    log_prob = -0.5 * x**2 - 0.5 * np.log(2 * np.pi)
    figure = plotting.density_curve_figure(x, log_prob, data, true_log_prob=log_prob - 1, name="height (cm)")
    (axes,) = figure.axes
    flow, truth = axes.lines
    np.testing.assert_allclose(flow.get_xydata(), np.stack([x, np.exp(log_prob)], axis=1))
    np.testing.assert_allclose(truth.get_ydata(), np.exp(log_prob - 1))
    heights, edges, _ = axes.patches[0].get_data()
    assert (edges[0], edges[-1]) == (-4, 4) and abs((heights * np.diff(edges)).sum() - 1) < 1e-12
    assert _labels(axes) == ("height (cm)", "density (per unit of height (cm))")
    labels = [each.get_text() for each in axes.get_legend().get_texts()]
    assert labels == ["data (1,000)", "flow", "true density"]
    assert _saved(figure, tmp_path)
    assert not plotting.density_curve_figure(x, log_prob).axes[0].patches


def test_samples_of_one_column(tmp_path):
    figure = plotting.samples_figure(_normal(100, 1), _normal(80, 1), names=["a"])
    assert [axes.get_xlabel() for axes in figure.axes] == ["a"] and len(figure.legends) == 1
    assert _saved(figure, tmp_path)


def test_rows_of_densities_share_the_scale_of_their_first(tmp_path):
    x = np.linspace(-3, 3, 21)
    normal = -0.5 * (x[None] ** 2 + x[:, None] ** 2)
    rows = [[normal, normal - 1], [normal + 2, np.full([21, 21], -np.inf)]]
    figure = plotting.density_rows_figure(x, x, rows, rows=["U1", "U2"], columns=["target", "fit"])
    panels = np.reshape(figure.axes, [2, 2])
    for row, log_probs in zip(panels, rows):
        peak = np.quantile(np.exp(log_probs[0]), 0.999)
        for axes, log_prob in zip(row, log_probs):
            np.testing.assert_allclose(np.reshape(axes.collections[0].get_array(), [21, 21]), np.exp(log_prob))
            assert axes.collections[0].get_clim() == (0, peak)
    assert [axes.get_title() for axes in panels[0]] == ["target", "fit"]
    assert [axes.get_ylabel() for axes in panels[:, 0]] == ["U1", "U2"]
    assert _saved(figure, tmp_path)


def test_latents_of_the_plane_lie_in_circles_of_one_two_three_sigma(tmp_path):
    latents = _normal(400, 2)
    figure = plotting.latents_figure(latents)
    left, right = figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), latents)
    assert len(right.collections[0].get_offsets()) == 400
    radii = [np.hypot(*line.get_data()) for line in left.lines]
    np.testing.assert_allclose([r.max() for r in radii], [1, 2, 3])
    inside = np.mean(np.hypot(*latents.T) < 2)
    assert f"{inside:.1%}" in left.get_title() and _labels(left) == ("z1 (σ)", "z2 (σ)")
    assert _saved(figure, tmp_path)


def test_latents_of_more_dimensions_show_quantiles_and_norms(tmp_path):
    figure = plotting.latents_figure(_normal(20_000, 3) * [1, 1, 2])
    left, right = figure.axes
    slopes = [np.polyfit(*line.get_data(), 1)[0] for line in left.lines]
    np.testing.assert_allclose(slopes, [1, 1, 2, 1], atol=0.05)  # the last is the diagonal
    r, chi = right.lines[0].get_data()
    np.testing.assert_allclose(np.sum((chi[1:] + chi[:-1]) / 2 * np.diff(r)), 1, atol=1e-3)
    np.testing.assert_allclose(chi, np.sqrt(2 / np.pi) * r**2 * np.exp(-(r**2) / 2), atol=1e-12)
    assert _saved(figure, tmp_path)


def test_training_marks_the_best_epoch_and_the_entropy(tmp_path):
    train, validation = [900.0] + [3 - 0.1 * i for i in range(19)], [500.0] + [3 - 0.05 * i for i in range(19)]
    figure = plotting.training_figure(train, validation, best_epoch=20, entropy=0.5)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(lines["training"].get_data(), [np.arange(1, 21), train])
    (best,) = [line for label, line in lines.items() if label.startswith("best epoch 20")]
    np.testing.assert_allclose(best.get_data(), [[20], [validation[-1]]])
    assert axes.get_ylim()[0] < 0.5 and 3 < axes.get_ylim()[1] < 400
    assert "nats" in axes.get_ylabel() and axes.get_xlabel() == "epoch"
    assert _saved(figure, tmp_path)


def test_training_of_one_epoch_and_without_validation(tmp_path):
    assert _saved(plotting.training_figure([1.5]), tmp_path)


def test_images_are_tiled_row_by_row_with_data_above(tmp_path):
    data, samples = np.arange(24.0).reshape(4, 6), np.full([4, 6], 99.0)
    figure = plotting.images_figure(
        data, samples, image_shape=(2, 3), levels=17, rows=2, columns=2, labels=["zero", "one"]
    )
    above, below = figure.axes
    picture = np.asarray(above.images[0].get_array())
    np.testing.assert_array_equal(picture[3:, 4:], np.round(255 / 16 * np.minimum(data[3].reshape(2, 3), 16)))
    assert (picture[2] == 255).all()
    assert above.images[0].get_clim() == (0, 255) == below.images[0].get_clim()
    assert (np.asarray(below.images[0].get_array())[:2, :3] == 255).all()
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["zero", "one"]
    assert _saved(figure, tmp_path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.samples_figure(_normal(3, 2), _normal(3, 3)), "same columns"),
        (lambda: plotting.samples_figure(_normal(3, 2), np.zeros([0, 2])), "at least one row"),
        (lambda: plotting.samples_figure(np.full([3, 2], np.nan), _normal(3, 2)), "6 non-finite values of 6"),
        (lambda: plotting.samples_figure(_normal(3, 2), _normal(3, 2), names=["a"]), "name each of 2 columns"),
        (lambda: plotting.density_figure([0, 1], [0, 1, 2], np.zeros([2, 3])), r"shape \[3, 2\]"),
        (lambda: plotting.density_curve_figure([0, 1], np.zeros([3])), r"`log_prob` must have shape \[2\]"),
        (lambda: plotting.density_curve_figure([0, 1], np.zeros([2]), [np.nan]), "`data` must be finite"),
        (lambda: plotting.density_figure([1, 0], [0, 1], np.zeros([2, 2])), "increasing"),
        (lambda: plotting.density_figure([0, 1], [0, 1], np.full([2, 2], np.nan)), "4 values that are NaN"),
        (
            lambda: plotting.density_rows_figure([0, 1], [0, 1], np.zeros([2, 1, 2, 2]), rows="ab", columns="cd"),
            r"2 rows of 2.*Received: 2 rows of \[1\]",
        ),
        (lambda: plotting.latents_figure(_normal(3)), "must be an array"),
        (lambda: plotting.training_figure([]), "at least one epoch"),
        (lambda: plotting.training_figure([1.0, 2.0], [1.0]), "One value per epoch"),
        (lambda: plotting.training_figure([1.0], best_epoch=2), "from 1 to 1"),
        (lambda: plotting.images_figure(_normal(3, 64), _normal(3, 60), image_shape=(8, 8)), "vectors of 64"),
    ],
)
def test_bad_arrays_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_global_is_touched():
    before = dict(matplotlib.rcParams)
    plotting.latents_figure(_normal(9, 2))
    plotting.samples_figure(_normal(9, 3), _normal(9, 3))
    assert dict(matplotlib.rcParams) == before and not matplotlib.pyplot.get_fignums()


def test_layers_keep_the_colours_of_points(tmp_path):
    values = [_normal(50, 3), 2 * _normal(50, 3), _normal(50, 2)]
    figure = plotting.layers_figure(values, columns=2)
    shown = [axes for axes in figure.axes if axes.collections]
    assert [axes.get_title() for axes in shown] == ["latent", "1", "data"]
    for axes, points in zip(shown, values, strict=True):
        np.testing.assert_allclose(axes.collections[0].get_offsets(), points[:, :2])
        np.testing.assert_array_equal(
            axes.collections[0].get_facecolors()[:, :3], shown[0].collections[0].get_facecolors()[:, :3]
        )
    assert _saved(figure, tmp_path)
    for bad in ([], [_normal(5, 1)], [_normal(5, 2), _normal(6, 2)]):
        with pytest.raises(ValueError, match="`values` must be arrays .* of the same points"):
            plotting.layers_figure(bad)
    with pytest.raises(ValueError, match="name each of 3 panels"):
        plotting.layers_figure(values, names=["a"])


def test_a_table_says_how_many_of_its_columns_are_shown():
    assert plotting.samples_figure(_normal(20, 6), _normal(20, 6)).get_suptitle() == "4 of 6 columns"
    assert plotting.samples_figure(_normal(20, 3), _normal(20, 3)).get_suptitle() == ""


def test_the_band_of_ranks_lies_behind_the_bars():
    axes = plotting.rank_histograms_figure([[9, 11, 10]]).axes[0]
    band, *bars = axes.patches
    assert band.get_zorder() < min(bar.get_zorder() for bar in bars) and all(bar.get_alpha() < 1 for bar in bars)


def test_few_images_are_drawn_large_and_sharp():
    figure = plotting.images_figure(*np.zeros([2, 4, 8, 8, 1]), rows=1, columns=4)
    assert figure.get_figwidth() > 5 and figure.axes[0].images[0].get_interpolation() == "nearest"
