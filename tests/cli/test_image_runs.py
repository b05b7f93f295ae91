"""Runs of flows over images: what they leave, what they refuse, the commands on them."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from tfflows import datasets, evaluation, models
from tfflows.cli import data, settings
from tfflows.cli.main import main, parse

FIGURES = {"samples", "classes", "temperatures", "interpolation", "reconstruction", "training"}


def _run(*argv):
    return main(list(map(str, argv)))


def _json(path):
    return json.loads(path.read_text())


def test_run_folder_of_images(glow_digits):
    names = {path.name for path in glow_digits.iterdir()}
    assert {f"{name}.png" for name in FIGURES} | {"model.keras", "saved_model", "metrics.json", "progress"} <= names
    assert sorted(path.name for path in (glow_digits / "progress").iterdir()) == ["epoch_0002.png", "epoch_0003.png"]
    metrics = _json(glow_digits / "metrics.json")
    assert 0 < metrics["importance_weighted_bits_per_dim"] < metrics["bits_per_dim"] < 5
    assert metrics["bits_per_dim_standard_error"] > 0 and metrics["importance_draws"] == 2
    assert metrics["reconstruction_max_float_error"] < 1e-3 and metrics["num_reconstructed"] == 180
    chosen = _json(glow_digits / "config.json")["settings"]
    assert chosen["images"] is True and chosen["coupling"] == "affine" and chosen["num_layers"] is None
    flow = models.load_model(glow_digits / "model.keras")
    assert flow.event_shape == (8, 8, 1) and flow.num_classes == 10
    test = datasets.digits(as_images=True, seed=0)
    nats = evaluation.discrete_negative_log_likelihood(flow, test, with_context=True, num_draws=8, seed=9)
    bits = evaluation.bits_per_dim(nats, (8, 8, 1))
    np.testing.assert_allclose(bits.mean, metrics["bits_per_dim"], rtol=0.02)


def test_evaluate_sample_and_export(glow_digits, tmp_path, capsys):
    folder = shutil.copytree(glow_digits, tmp_path / "run")
    assert _run("evaluate", folder, "--importance-draws", 8, "--noise-draws", 2) == 0
    found = _json(folder / "evaluate.json")
    assert found["importance_draws"] == 8 and found["noise_draws"] == 2
    assert found["importance_weighted_bits_per_dim"] < found["bits_per_dim"]
    assert "(importance-weighted upper bound, 8 draws)" in capsys.readouterr().out

    assert _run("score", folder, "--noise-draws", 2) == 0
    scores = np.loadtxt(folder / "scores.csv", skiprows=1)
    assert len(scores) == found["num_test"]
    assert abs(scores.mean() + found["test_nats"]) < 0.05 * abs(found["test_nats"])  # other noise

    assert _run("sample", folder, "-n", 20, "--context-value", 3) == 0
    samples = np.load(folder / "samples.npy")
    assert samples.shape == (20, 8, 8, 1) and samples.dtype == np.uint8 and samples.max() <= 16
    assert _run("sample", folder, "-n", 20, "--context-value", 3, "--out", folder / "grid.png") == 0
    picture = np.asarray(Image.open(folder / "grid.png"))
    assert picture.shape == (2 * 34 - 2, 10 * 34 - 2)
    np.testing.assert_array_equal(picture[:32:4, 34:66:4], np.round(samples[1, ..., 0] * (255 / 16)))

    assert _run("export", folder, "--output", tmp_path / "served") == 0
    served = tf.saved_model.load(str(tmp_path / "served"))
    x, labels = np.zeros([3, 8, 8, 1], "int32"), np.array([1, 2, 3], "int32")
    flow = models.load_model(folder / "model.keras")
    np.testing.assert_allclose(served.discrete_log_prob(x, [0, 1], labels), flow.log_prob(x, labels, seed=1), rtol=1e-5)


def test_a_folder_of_images_and_real_nvp(tmp_path):
    for k in range(30):
        pixels = np.random.default_rng(k).integers(0, 256, (10, 8, 3), "uint8")
        place = tmp_path / "pictures" / ("cat" if k % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{k}.png")
    (tmp_path / "pictures" / "cat" / "broken.png").write_bytes(b"no image")
    run = ["train", "--model", "real-nvp", "--data", tmp_path / "pictures", "--epochs", 1, "--output", tmp_path / "run"]
    tiny = ["--num-levels", 1, "--hidden-filters", 4, "--num-blocks", 1, "--num-bits", 5, "--batch-size", 24]
    assert _run(*run, *tiny, "--image-size", 4) == 2  # the broken file is named, not left out unasked
    assert _run(*run, *tiny, "--image-size", 4, "--skip-bad-images") == 0
    config = _json(tmp_path / "run" / "config.json")
    assert config["data"]["event_shape"] == [4, 4, 3] and config["data"]["class_names"] == ["cat", "dog"]
    assert config["settings"]["preprocessing"] == "logit" and config["settings"]["num_bits"] == 5
    assert _run("evaluate", tmp_path / "run") == 0


def test_transformer_flow_on_digits(tmp_path):
    tiny = ["--num-flows", 2, "--num-blocks", 1, "--units", 8, "--num-heads", 2, "--epochs", 1, "--batch-size", 200]
    run = tmp_path / "run"
    assert _run("train", "--model", "transformer-flow", "--data", "digits", *tiny, "--output", run) == 0
    chosen = _json(run / "config.json")["settings"]
    assert chosen["patch_size"] == 2 and chosen["units"] == 8 and chosen["preprocessing"] is None
    assert 0 < _json(run / "metrics.json")["bits_per_dim"] < 10
    flow = models.load_model(run / "model.keras")
    assert isinstance(flow, models.TransformerFlow) and flow.num_classes == 10


def test_a_published_set_is_read_into_memory_if_it_fits_there():
    args = parse(["train", "--model", "glow", "--data", "mnist", "--num-train", "8"])
    with tfds.testing.mock_data(num_examples=12):
        dataset = data.read(settings.of(args))
    assert isinstance(dataset, datasets.Dataset) and dataset.train.shape == (8, 28, 28, 1)
    assert data.has_context(dataset) and len(dataset.class_names) == 10
    assert settings.of(parse(["train", "--data", "lsun/tower"]))["data"] == "lsun-tower"


def test_images_that_do_not_fit_into_memory_are_streamed(tmp_path, train_images, monkeypatch):
    monkeypatch.setattr(data, "_MEMORY_BYTES", 0)
    options = ("--epochs", 1, "--no-conditional", "--coupling", "additive", "--output", tmp_path / "run")
    with tfds.testing.mock_data(num_examples=6):
        assert train_images("--data", "mnist", *options) == 0
    config = _json(tmp_path / "run" / "config.json")
    assert config["data"]["sha256"] is None and not config["data"]["conditional"]
    assert config["data"]["num_train"] == 6 and config["settings"]["coupling"] == "additive"
    assert not (tmp_path / "run" / "classes.png").exists()


BAD = {
    "vectors for glow": (["--data", "two-moons"], "glow takes images, such as digits"),
    "a table for glow": (["--data", "wine"], "Received: wine, whose examples are vectors"),
    "option of vectors": (["--data", "digits", "--num-layers", "4"], "Received: --num-layers"),
    "option of another": (["--data", "digits", "--num-blocks", "4"], "glow over images takes --num-levels"),
    "not images": (["--data", "digits", "--no-images"], "glow takes images"),
    "images of vectors": (["--model", "real-nvp", "--data", "wine", "--images"], "wine holds no images"),
    "image options of vectors": (["--model", "real-nvp", "--data", "digits"], "real-nvp over vectors takes"),
    "levels": (["--data", "digits", "--num-levels", "4"], "multiples of 16"),
    "size of a name": (["--data", "digits", "--image-size", "4"], "Only a folder of images takes --image-size"),
    "columns of a folder": (["--data", "{folder}", "--columns", "a"], "Only a table from a file takes --columns"),
    "empty folder": (["--data", "{folder}"], "image"),
    "bits": (["--data", "digits", "--num-bits", "3"], "must divide `levels`, 17"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(case, train_images, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    options, message = BAD[case]
    options = [option.format(folder=tmp_path / "folder") for option in options]
    assert train_images(*options, "--output", tmp_path / "run") == 2
    err = capsys.readouterr().err
    assert err.startswith("tfflows: error: ") and err.count("\n") == 1 and message in err
    assert {path.name for path in tmp_path.iterdir()} == {"folder"}


def test_samples_of_vectors_are_no_picture(moons, capsys):
    assert _run("sample", moons, "--out", "picture.png") == 2
    assert "must end in .csv or .npy" in capsys.readouterr().err
