"""The figure of errors by layer."""

import numpy as np
import pytest

from tfflows import plotting


def test_errors_by_layer_have_gaps_where_there_is_none():
    (axes,) = plotting.examination_figure(["a", "b"], {"round trip": [1e-7, 1e-6], "log-det": [None, 1e-9]}).axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1e-7, 1e-6])
    assert np.isnan(axes.lines[1].get_xdata()[0]) and axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    with pytest.raises(ValueError, match="of every layer is needed. Received: 1 layers"):
        plotting.examination_figure(["a"], {"round trip": [1, 2]})
