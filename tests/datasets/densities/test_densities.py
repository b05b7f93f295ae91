"""Every toy density against the same demands: one line in `CASES` each, by name, so a new one is covered at once."""

import functools

import numpy as np
import pytest

from tfflows import datasets

CASES = {
    "two_moons": {},
    "eight_gaussians": {},
    "rings": {},
    "checkerboard": {},
    "pinwheel": {},
    "two_spirals": {},
    "swiss_roll": {},
    "banana": {},
    "funnel": {"dimensions": 2, "scale": 1.0},
    "gaussian_grid": {},
    "rotated_mixture": {"dimensions": 2},
    "energy_1": {},
    "energy_2": {},
    "energy_3": {},
    "energy_4": {},
}
BOUNDED = {"checkerboard", "energy_1", "energy_2", "energy_3", "energy_4"}  # zero outside their bounds
VARIANTS = [
    ("two_moons", {"noise": 0.3}),
    ("eight_gaussians", {"radius": 1.0, "noise": 0.7}),
    ("rings", {"radii": (0.3, 2.0), "noise": 0.25}),
    ("checkerboard", {"size": 0.7}),
    ("pinwheel", {"arms": 3, "radial_noise": 0.1, "tangential_noise": 0.3, "twist": -2.0}),
    ("two_spirals", {"noise": 0.3, "turns": 1.0}),
    ("swiss_roll", {"noise": 0.5}),
    ("banana", {"curvature": -1.0, "scale": 0.7, "noise": 1.1}),
    ("funnel", {"dimensions": 10, "scale": 1.5}),
    ("funnel", {}),
    ("gaussian_grid", {"side": 2, "spacing": 0.7, "noise": 0.3}),
    ("rotated_mixture", {}),
    ("rotated_mixture", {"dimensions": 3, "separation": 0.5, "noise": 1.5}),
]
ALL = [*CASES.items(), *VARIANTS]
PLANAR = [case for case in ALL if case[0] not in ("funnel", "rotated_mixture") or case[1].get("dimensions") == 2]
SMOOTH = [case for case in PLANAR if case[0] != "checkerboard"]


def build(case):
    name, options = case
    return getattr(datasets, name)(**options)


@functools.cache
def on_grid(index):
    """Of case `ALL[index]`: a 240 x 240 grid of cell centres over its bounds, log-densities there, area of a cell."""
    density = build(ALL[index])
    edges = [np.linspace(*bound, 241) for bound in density.bounds]
    axes = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return points, density.log_prob(points), np.prod([axis[1] - axis[0] for axis in axes])


def test_every_toy_density_is_a_case():
    assert set(CASES) == set(datasets.toy_names())


@pytest.mark.parametrize("case", ALL, ids=str)
def test_samples_are_finite_float32_and_repeat_by_seed(case):
    density = build(case)
    x = density.sample(500, seed=3)
    assert x.shape == (500, *density.event_shape)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    np.testing.assert_array_equal(x, build(case).sample(500, seed=3))
    assert not np.isclose(x, density.sample(500, seed=4)).all(axis=1).any()
    assert not np.array_equal(density.sample(500), density.sample(500))
    assert density.name == case[0]


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_density_integrates_to_one_within_its_bounds(case):
    _, log_density, cell = on_grid(ALL.index(case))
    tails = 5e-3 if case[0] == "funnel" else 1e-3  # the funnel's window leaves out long tails
    assert np.sum(np.exp(log_density)) * cell == pytest.approx(1, abs=tails)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_monte_carlo_agrees_with_the_entropy(case):
    density = build(case)
    surprise = -density.log_prob(density.sample(40_000, seed=11))
    error = surprise.std() / np.sqrt(len(surprise))
    assert abs(surprise.mean() - density.entropy) < 5 * error + 1e-12
    assert error < 0.1


@pytest.mark.parametrize("case", [case for case in SMOOTH if case[0] != "funnel"], ids=str)
def test_entropy_agrees_with_a_plain_grid(case):
    density = build(case)
    _, log_density, cell = on_grid(ALL.index(case))
    # the window's 5 standard deviations leave out a tail of about 1e-5 nats
    assert -np.sum(np.exp(log_density) * log_density) * cell == pytest.approx(density.entropy, abs=1e-3)


@pytest.mark.parametrize("case", [case for case in SMOOTH if case[0] != "funnel"], ids=str)
def test_samples_have_the_moments_and_bin_counts_of_the_density(case):
    density = build(case)
    x = density.sample(50_000, seed=5).astype(np.float64)
    points, log_density, cell = on_grid(ALL.index(case))
    mass = np.exp(log_density) * cell
    mean = mass @ points
    for k in range(2):
        spread = np.sqrt(mass @ (points[:, k] - mean[k]) ** 2)
        assert x[:, k].mean() == pytest.approx(mean[k], abs=5 * spread / np.sqrt(len(x)))
    covariance = (points - mean).T @ ((points - mean) * mass[:, None])
    kurtosis = mass @ np.sum((points - mean) ** 2, axis=1) ** 2
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=6 * np.sqrt(kurtosis / len(x)) + 1e-3)
    # 12 x 12 bins of 20 x 20 grid points: each expected count against the draws
    edges = [np.linspace(*bound, 13) for bound in density.bounds]
    p = mass.reshape(12, 20, 12, 20).sum(axis=(1, 3))
    counts = np.histogram2d(*x.T, bins=edges)[0]
    expected = p * len(x)
    full = expected > 10
    score = (counts - expected)[full] / np.sqrt(expected * (1 - p))[full]
    assert np.abs(score).max() < 5
    assert 0.6 < np.mean(score**2) < 1.5


@pytest.mark.parametrize("case", [case for case in ALL if case[0] not in BOUNDED], ids=str)
def test_log_prob_is_finite_and_falls_far_from_the_data(case):
    density = build(case)
    direction = np.random.default_rng(0).standard_normal((20, *density.event_shape))
    if case[0] == "funnel":
        direction[:, 0] = np.abs(direction[:, 0])  # the other way is its neck
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    near, far, farther = (density.log_prob(distance * direction) for distance in (20, 1e3, 1e5))
    assert np.isfinite(near).all()
    assert np.isfinite(far).all()
    assert np.isfinite(farther).all()
    assert (far > farther).all()
    if case[0] != "funnel":  # at its mouth, 20 is near the middle in one direction and far out in another
        assert (near > far).all()


@pytest.mark.parametrize("case", CASES.items(), ids=str)
def test_wrong_input_is_refused(case):
    density = build(case)
    good = density.sample(4, seed=0)
    with pytest.raises(ValueError, match=r"shape \[n, 2\].*Received: shape \[4, 3\]"):
        density.log_prob(np.zeros([4, 3]))
    with pytest.raises(ValueError, match=r"Received: shape \[2\]"):
        density.log_prob(good[0])
    with pytest.raises(ValueError, match="real numbers.*Received: dtype complex128"):
        density.log_prob(good.astype(complex))
    for value in (np.nan, np.inf):
        bad = good.copy()
        bad[2, 1] = value
        with pytest.raises(ValueError, match="Received: 1 of 4 rows.*row 2"):
            density.log_prob(bad)
    for n in (-1, 2.5, True, None):
        with pytest.raises(ValueError, match="`n` must be an integer of at least 0. Received"):
            density.sample(n)


def test_rows_are_answered_one_by_one_across_chunks_and_none_at_all():
    density = datasets.two_moons()
    x = density.sample(1028, seed=0)
    together = density.log_prob(x)
    assert together.dtype == np.float64
    for row in (0, 1023, 1024, 1027):
        assert density.log_prob(x[row : row + 1])[0] == pytest.approx(together[row], abs=1e-12)
    assert density.log_prob(x[:0]).shape == (0,)
    assert density.sample(0).shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("two_moons", {"noise": 0.0}),
        ("two_moons", {"noise": "a"}),
        ("two_spirals", {"turns": -1}),
        ("swiss_roll", {"noise": np.inf}),
        ("rings", {"radii": ()}),
        ("rings", {"radii": (1.0, -1.0)}),
        ("eight_gaussians", {"radius": 0}),
        ("pinwheel", {"arms": 2.5}),
        ("pinwheel", {"twist": np.nan}),
        ("checkerboard", {"size": True}),
        ("banana", {"curvature": np.inf}),
        ("funnel", {"dimensions": 1}),
        ("funnel", {"dimensions": 3.0}),
        ("rotated_mixture", {"dimensions": 1}),
        ("rotated_mixture", {"noise": 0.0}),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(name, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must.*Received"):
        getattr(datasets, name)(**options)


def test_repr_tells_the_options():
    assert repr(datasets.two_moons(noise=0.2)) == "two_moons(noise=0.2)"
    assert datasets.pinwheel(arms=7).options["arms"] == 7
