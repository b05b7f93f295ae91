"""Where outliers rule the moments of a column, and what is taken instead."""

import numpy as np
import pytest
from scipy import stats

from tfflows.ops import standardization

rng = np.random.default_rng(0)
N = 20_000
NORMAL = rng.normal(size=N)
FEW = rng.random(N) < 0.005
ORDINARY = {
    "normal": 1e-21 * NORMAL,
    "mixture": NORMAL + rng.choice([-300, 500], N),
    "uniform": rng.random(N),
    "exponential": rng.exponential(size=N),
    "log-normal": np.exp(NORMAL),
    "student": rng.standard_t(3, N),
    "a tenth wide": np.where(rng.random(N) < 0.1, 300 * NORMAL, rng.random(N)),
    "mostly zero": np.where(rng.random(N) < 0.8, 0, np.exp(3 * NORMAL)),
    "constant": np.full(N, 3.0),
}
RULED = {  # and what has that median and these quartiles
    "log-normal": (np.exp(3 * NORMAL), stats.lognorm(3)),
    "mirrored": (-np.exp(3 * NORMAL), stats.lognorm(3)),
    "cauchy": (5 + 2 * rng.standard_cauchy(N), stats.cauchy(5, 2)),
    "few wrong": (np.where(FEW, 1e6, NORMAL), stats.norm()),
}


def test_moments_of_ordinary_columns():
    rows = np.stack(list(ORDINARY.values()), axis=1)
    names = list(ORDINARY)
    assert [names[i] for i in np.flatnonzero(standardization.outliers_rule(rows)[0])] == []
    for plain, robust in zip(*(standardization.location_and_scale(rows, robust=r) for r in (False, True))):
        np.testing.assert_array_equal(plain, robust)


@pytest.mark.parametrize("name", RULED)
def test_median_and_nearer_quartile_where_outliers_rule(name):
    values, law = RULED[name]
    location, scale, varies = standardization.location_and_scale(np.stack([values, NORMAL], axis=1), robust=True)
    low, median, high = law.ppf([0.25, 0.5, 0.75])
    wanted = -median if name == "mirrored" else median
    nearer = min(high - median, median - low) / stats.norm.ppf(0.75)
    np.testing.assert_allclose([location[0], scale[0]], [wanted, nearer], atol=0.05 * nearer)
    np.testing.assert_allclose([location[1], scale[1]], [NORMAL.mean(), NORMAL.std()], rtol=1e-12)
    assert varies.all()


def test_one_rule_for_few_rows():
    for n in (1, 2, 5):
        rows = np.exp(3 * NORMAL[:n, None])
        location, scale, _ = standardization.location_and_scale(rows, robust=True)
        assert np.isfinite(location).all() and (scale > 0).all()
