"""Small runs that several tests look at."""

import pytest

from tfflows.cli.main import main

TINY_IMAGES = [
    *("--num-levels", "1", "--steps-per-level", "1", "--hidden-filters", "4"),
    *("--batch-size", "500", "--learning-rate", "0.01"),
]
TINY = ["--num-layers", "2", "--hidden-units", "8", "--batch-size", "256"]


@pytest.fixture(scope="session")
def train():
    """Runs `tfflows train` with a small flow; returns the exit code."""
    return lambda *options: main(["train", *TINY, *map(str, options)])


@pytest.fixture(scope="session")
def moons(train, tmp_path_factory):
    """A finished run on two moons: its folder, which tests must leave as it is."""
    folder = tmp_path_factory.mktemp("runs") / "moons"
    assert train("--num-train", 1000, "--epochs", 2, "--output", folder) == 0
    return folder


@pytest.fixture(scope="session")
def train_images():
    """Runs `tfflows train --model glow` with a small flow; returns the exit code."""
    return lambda *options: main(["train", "--model", "glow", *TINY_IMAGES, *map(str, options)])


@pytest.fixture(scope="session")
def glow_digits(train_images, tmp_path_factory):
    """A finished class-conditional run on images of digits: its folder, which tests must leave as it is."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    options = ("--data", "digits", "--epochs", 3, "--grids-every", 2, "--importance-draws", 2)
    assert train_images(*options, "--output", folder) == 0
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """A table of 90 people with a text column: its path."""
    path = tmp_path_factory.mktemp("data") / "people.csv"
    rows = [f"{150 + i % 40},{50 + (7 * i) % 30}.5,{'fm'[i % 3 == 0]}" for i in range(90)]
    path.write_text("\n".join(["height_cm,weight_kg,sex", *rows]) + "\n")
    return path


@pytest.fixture(scope="session")
def by_sex(train, people, tmp_path_factory):
    """A finished conditional run on that table."""
    folder = tmp_path_factory.mktemp("runs") / "people"
    assert train("--data", people, "--context", "sex", "--epochs", 1, "--output", folder) == 0
    return folder
