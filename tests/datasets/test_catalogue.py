import pathlib

import numpy as np
import pytest

from tfflows import datasets


def test_names_are_functions_of_the_package():
    assert datasets.names() == datasets.toy_names() + datasets.embedded_names() + datasets.tfds_names()
    for name in datasets.toy_names() + datasets.embedded_names():
        assert callable(getattr(datasets, name))
    assert set(datasets.embedded_names()) == {"digits", "wine", "breast_cancer", "natural_patches"}


def test_everything_exported_exists():
    for name in datasets.__all__:
        assert hasattr(datasets, name)
    assert sorted(datasets.__all__) == datasets.__all__


@pytest.mark.parametrize("name", datasets.toy_names())
def test_toy_densities_are_drawn_to_size(name):
    data = datasets.load(name, num_train=300, num_validation=200, num_test=100)
    assert [len(data.examples(split)) for split in ("train", "validation", "test")] == [300, 200, 100]
    assert data.name == data.density.name == name
    assert data.event_shape == data.density.event_shape
    assert len(data.columns) == data.event_shape[0]
    assert np.isfinite(data.density.log_prob(data.train)).all()


def test_default_sizes():
    data = datasets.load("two_moons")
    assert (len(data.train), len(data.validation), len(data.test)) == (50_000, 5_000, 100_000)


def test_splits_share_no_example_with_each_other_nor_with_the_density_sampled_by_small_seeds():
    data = datasets.load("banana", num_train=500, num_validation=500, num_test=500, seed=0)
    sets = [data.train, data.validation, data.test, *(data.density.sample(500, seed=seed) for seed in range(4))]
    assert len(np.unique(np.concatenate(sets), axis=0)) == 500 * len(sets)


def test_the_seed_decides():
    small = {"num_train": 50, "num_validation": 50, "num_test": 50}
    first, again, other = (datasets.load("rings", seed=seed, **small) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.train, again.train)
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.isclose(first.train, other.train).any(axis=1).all()
    np.testing.assert_array_equal(datasets.load("wine", seed=3).test, datasets.wine(seed=3).test)
    assert not np.array_equal(datasets.load("wine", seed=3).test, datasets.load("wine", seed=4).test)


def test_hyphens_and_options():
    data = datasets.load("eight-gaussians", noise=0.1, num_train=10)
    assert data.density.options["noise"] == 0.1
    assert datasets.load("Breast-Cancer", fractions=(0.5, 0.2, 0.3)).name == "breast_cancer"
    with pytest.raises(TypeError, match="nose"):
        datasets.load("two_moons", nose=0.1)


def test_files_are_loaded_by_path(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("a,b\n" + "\n".join(f"{i},{i * i}" for i in range(20)))
    for spelled in (path, str(path)):
        data = datasets.load(spelled, columns=["b"], seed=2)
        np.testing.assert_array_equal(data.test, datasets.from_file(path, columns=["b"], seed=2).test)
    with pytest.raises(ValueError, match="does not exist"):
        datasets.load("missing.csv")
    with pytest.raises(ValueError, match=r"must end in one of .csv, .parquet, .npy, .npz. Received: 'a/b.xls'"):
        datasets.load(pathlib.Path("a/b.xls"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("two_mons", "two_moons"), ("pin-wheel", "pinwheel"), ("digit", "digits"), ("cifar-11", "cifar10")],
)
def test_unknown_names_list_near_misses_and_all_names(wrong, right):
    with pytest.raises(ValueError, match="Unknown data set. Did you mean") as caught:
        datasets.load(wrong)
    message = str(caught.value)
    assert f"Did you mean '{right}'" in message
    assert all(name in message for name in datasets.names())
    assert f"Received: '{wrong}'" in message


def test_sizes_out_of_place_are_refused(tmp_path):
    with pytest.raises(ValueError, match="have sizes. Received: num_train=10 for 'digits'"):
        datasets.load("digits", num_train=10)
    with pytest.raises(ValueError, match="`num_test` must be an integer of at least 1. Received: 0"):
        datasets.load("rings", num_test=0)
