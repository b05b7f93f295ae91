"""Histograms of likelihoods and ROC curves hold what they were given."""

import numpy as np
import pytest

from tfflows import evaluation, plotting

RNG = np.random.default_rng(0)
TRAIN, TEST, OTHER = RNG.normal(4, 1, 500), RNG.normal(4.2, 1, 300), RNG.normal(3, 0.2, 200)


def test_histograms_share_bins_and_have_the_area_one(tmp_path):
    others = {f"other {i}": OTHER + i for i in range(4)}
    figure = plotting.likelihood_histograms_figure({"train": TRAIN, "test": TEST}, others)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 4 and len({axes.get_xlim() for axes in panels}) == 1
    for i, axes in enumerate(panels):
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["train (500)", "test (300)", f"other {i} (200)"]
        bars = [patch for patch in axes.patches if hasattr(patch, "get_height")][-40:]
        low, high = axes.get_xlim()
        inside = ((OTHER + i >= low) & (OTHER + i <= high)).sum()
        expected = np.histogram(OTHER + i, np.linspace(low, high, 41))[0] / inside
        np.testing.assert_allclose([bar.get_height() * bar.get_width() for bar in bars], expected, atol=1e-9)
        assert axes.get_xlabel() == "bits per dimension"
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert len(plotting.likelihood_histograms_figure({"data": TRAIN}, {"other": OTHER}).axes) == 1


def test_curves_have_one_colour_a_score_and_one_legend(tmp_path):
    curve = evaluation.roc_curve(TRAIN, OTHER)
    figure = plotting.roc_figure({"a": {"one": curve, "two": curve[::-1]}, "b": {"two": curve}})
    first, second = figure.axes
    np.testing.assert_array_equal(first.lines[0].get_xydata(), np.stack(curve, axis=1))
    np.testing.assert_array_equal(first.lines[1].get_xydata(), np.stack(curve[::-1], axis=1))
    assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]
    assert (first.get_title("left"), second.get_title("left")) == ("a", "b")
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert (tmp_path / "figure.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plotting.likelihood_histograms_figure({}, {"a": TEST}), "One known set or two"),
        (lambda: plotting.likelihood_histograms_figure({"a": TEST}, {"b": []}), r"'b' must be .* shape \[0\]"),
        (lambda: plotting.likelihood_histograms_figure({"a": TEST}, {"b": [np.nan]}), "`b` must be finite"),
        (lambda: plotting.roc_figure({}), "Curves of 1 to 9 scores"),
        (lambda: plotting.roc_figure({"a": {"b": ([0, 1], [0, 0.5, 1])}}), "as many. Received: 2 and 3"),
        (lambda: plotting.roc_figure({"a": {"b": ([0, 1], [0, 2])}}), "rise from 0 to 1. Received: 0.0 to 2.0"),
    ],
)
def test_what_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_what_is_far_from_the_known_is_gathered_at_the_ends():
    far = np.concatenate([OTHER[:50], np.full(50, 1e5)])
    (axes,) = plotting.likelihood_histograms_figure({"train": TRAIN, "test": TEST}, {"far": far}, xlabel="nats").axes
    low, high = axes.get_xlim()
    assert axes.get_xlabel() == "nats\n(ends hold what is beyond)" and high - low < 6 * (TRAIN.max() - TRAIN.min())
    last = [bar for bar in axes.patches if hasattr(bar, "get_width")][-1]
    assert abs(last.get_height() * last.get_width() - 0.5) < 1e-9
