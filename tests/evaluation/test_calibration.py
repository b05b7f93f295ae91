"""Simulation-based calibration tells right posteriors from wrong ones."""

import numpy as np
import pytest

from tfflows import plotting
from tfflows.evaluation import simulation_based_calibration


class Posterior:
    """Of `t ~ N(0, 1)` given `x = t + e`: `N(x / 2, 1 / 2)`, widened and shifted."""

    def __init__(self, width=1.0, shift=0.0):
        self.width, self.shift = width, shift

    def sample(self, n, *, context, seed):
        noise = np.random.default_rng(seed).normal(size=(n, 2))
        return context / 2 + self.shift + self.width * noise / np.sqrt(2)


def cases(n=4000):
    rng = np.random.default_rng(9)
    t = rng.normal(size=(n, 2))
    return t, t + rng.normal(size=(n, 2))


def test_right_posteriors_have_uniform_ranks():
    calibration = simulation_based_calibration(Posterior(), *cases())
    assert (calibration.p_values > 0.01).all()
    assert calibration.ranks.min() == 0 and calibration.ranks.max() == calibration.num_draws == 99
    assert calibration.counts.shape == (2, 20) and (calibration.counts.sum(axis=1) == 4000).all()


def test_wrong_posteriors_are_seen_and_how():
    narrow, wide, biased = (
        simulation_based_calibration(posterior, *cases())
        for posterior in (Posterior(0.7), Posterior(1.4), Posterior(shift=0.3))
    )
    for calibration in (narrow, wide, biased):
        assert (calibration.p_values < 1e-6).all()
    ends = [calibration.counts[:, [0, -1]].mean() for calibration in (narrow, wide)]
    assert ends[0] > 300 > 100 > ends[1]
    assert biased.counts[0, :10].sum() > 1.3 * biased.counts[0, 10:].sum()


def test_ranks_are_those_of_the_draws():
    class Fixed:
        def sample(self, n, *, context, seed):
            return np.tile(np.arange(9.0), n // 9)[:, None] + context

    truth = np.repeat([[-1.0], [0.5], [4.5], [20.0]], 25, axis=0)
    calibration = simulation_based_calibration(Fixed(), truth, np.zeros([100, 1]), num_draws=9, num_bins=5)
    np.testing.assert_array_equal(calibration.ranks[::25, 0], [0, 1, 5, 9])
    np.testing.assert_array_equal(calibration.counts, [[50, 0, 25, 0, 25]])


def test_bad_input():
    t, x = cases(200)
    with pytest.raises(ValueError, match=r"as many rows. Received: shapes \(200, 2\) and \(199, 2\)"):
        simulation_based_calibration(Posterior(), t, x[1:])
    with pytest.raises(ValueError, match="bins of equal size. Received: num_draws=100, num_bins=20"):
        simulation_based_calibration(Posterior(), t, x, num_draws=100)
    with pytest.raises(ValueError, match="At least 100 cases are needed for 20 bins. Received: 50"):
        simulation_based_calibration(Posterior(), t[:50], x[:50])
    with pytest.raises(ValueError, match="must draw finite parameters, 2 each.*39600 values that are not finite"):
        simulation_based_calibration(Posterior(np.inf), t, x)
    with pytest.raises(ValueError, match="must draw finite parameters, 1 each"):
        simulation_based_calibration(Posterior(), t[:, :1], x)


def test_figure():
    counts = simulation_based_calibration(Posterior(), *cases(400)).counts
    figure = plotting.rank_histograms_figure(counts, names=("a", "b"))
    assert [len(axes.patches) for axes in figure.axes] == [21, 21]  # the bars and the band
    assert [bar.get_height() for bar in figure.axes[0].patches[1:]] == counts[0].tolist()
    with pytest.raises(ValueError, match="`names` must name each of 2 parameters"):
        plotting.rank_histograms_figure(counts, names=("a",))
    with pytest.raises(ValueError, match=r"`counts` must have shape \[D, bins\]"):
        plotting.rank_histograms_figure(counts[0])
