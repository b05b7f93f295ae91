"""Figures of likelihoods of examples, of two sets told apart, of errors by layer."""

import numpy as np
import pytest

from tfflows import plotting


def test_likelihoods_are_histograms_of_area_one_on_the_same_bins():
    rng = np.random.default_rng(0)
    sets = {"one": rng.normal(size=300), "other": 3 + rng.normal(size=900)}
    (axes,) = plotting.likelihoods_figure(sets, unit="bits/dim").axes
    assert "bits/dim" in axes.get_xlabel()
    assert [text.get_text()[:5] for text in axes.get_legend().get_texts()] == ["one (", "other"]
    bars = [patch for patch in axes.patches if hasattr(patch, "get_width")]
    areas = [bar.get_width() * bar.get_height() for bar in bars]
    half = len(areas) // 2
    assert abs(sum(areas[:half]) - 1) < 1e-9 and abs(sum(areas[half:]) - 1) < 1e-9
    assert [bar.get_x() for bar in bars[:half]] == [bar.get_x() for bar in bars[half:]]
    for wrong in ({}, dict.fromkeys("abcd", [1.0]), {"a": []}, {"a": [np.nan]}):
        with pytest.raises(ValueError, match="Received"):
            plotting.likelihoods_figure(wrong)


def test_separation_draws_what_it_is_given():
    (axes,) = plotting.separation_figure([0, 0.5, 1], [0, 0.9, 1], title="AUROC 0.7").axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0], [0.5, 0.9], [1, 1]])
    with pytest.raises(ValueError, match="As many false alarms as hits"):
        plotting.separation_figure([0, 1], [0, 0.5, 1])


def test_errors_by_layer_have_gaps_where_there_is_none():
    (axes,) = plotting.examination_figure(["a", "b"], {"round trip": [1e-7, 1e-6], "log-det": [None, 1e-9]}).axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1e-7, 1e-6])
    assert np.isnan(axes.lines[1].get_xdata()[0]) and axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    with pytest.raises(ValueError, match="of every layer is needed. Received: 1 layers"):
        plotting.examination_figure(["a"], {"round trip": [1, 2]})
