"""Files written before the package was rearranged load, and give the same bits.

`written_before/` holds, of every model and posterior layer, a `.keras` file, a SavedModel and data, as the release of
commit b10ef99 wrote them (`written_before/make.py`). Bits depend on the processor, so both are run here: the
SavedModel, whose graph is of that time, and one exported anew from the `.keras` file.
"""

import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows  # noqa: F401 (registers what the files name)

FOLDER = pathlib.Path(__file__).parent / "written_before"
MODELS = sorted(path.stem for path in FOLDER.glob("*.zip"))


@pytest.fixture
def written(request, tmp_path):
    """The folder of an archive, its model, its data, and the signatures of its SavedModel."""
    with zipfile.ZipFile(FOLDER / f"{request.param}.zip") as archive:
        archive.extractall(tmp_path)
    model = keras.saving.load_model(tmp_path / "model.keras")
    served = tf.saved_model.load(str(tmp_path / "saved_model")).signatures
    return tmp_path, model, dict(np.load(tmp_path / "data.npz")), served


@pytest.mark.parametrize("written", MODELS, indirect=True)
def test_densities_are_the_same_bits(written):
    _, model, data, before = written
    name = "log_weights" if "log_weights" in before else "log_prob"
    specs = before[name].structured_input_signature[1]
    function = tf.function(getattr(model, name), autograph=False).get_concrete_function(**specs)
    inputs = inputs_of(before[name], data)
    (value,) = before[name](**inputs).values()
    np.testing.assert_array_equal(function(**inputs), value)


@pytest.mark.slow
@pytest.mark.parametrize("written", MODELS, indirect=True)
def test_every_endpoint_gives_the_same_bits(written):
    folder, model, data, before = written
    model.export(str(folder / "anew"))
    anew = tf.saved_model.load(str(folder / "anew")).signatures
    assert set(before) == set(anew)
    for endpoint in before:
        inputs = inputs_of(before[endpoint], data)
        for key, value in before[endpoint](**inputs).items():
            np.testing.assert_array_equal(anew[endpoint](**inputs)[key], value, err_msg=endpoint)


def inputs_of(signature, data):
    """The data, or what else an endpoint asks for, in its dtypes."""
    known = {"seed": [3, 5], "n": len(data["x"]), "num_samples": 2, "temperature": 0.8, **data}
    latents = np.random.default_rng(0).normal(size=(len(data["x"]), 1000))
    inputs = {}
    for name, spec in signature.structured_input_signature[1].items():
        value = known[name] if name in known else latents[:, : np.prod(spec.shape[1:])].reshape(-1, *spec.shape[1:])
        inputs[name] = tf.cast(value, spec.dtype)
    return inputs


def test_training_goes_on(tmp_path):
    with zipfile.ZipFile(FOLDER / "glow.zip") as archive:
        archive.extractall(tmp_path)
    model, data = keras.saving.load_model(tmp_path / "model.keras"), np.load(tmp_path / "data.npz")
    steps = int(model.optimizer.iterations)
    model.fit(data["x"], data["context"], batch_size=16, verbose=0)
    assert steps == 2 and int(model.optimizer.iterations) == 3


def test_there_is_one_of_each_model():
    saved = {class_of_file(name) for name in MODELS}
    models = {n for n in tfflows.models.__all__ if isinstance(getattr(tfflows.models, n), type)}
    assert saved == models - {"VariationalFlow"}  # which saves a FlowModel


def class_of_file(name):
    """What the `.keras` file of an archive says that it holds."""
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive, archive.open("model.keras") as file:
        return json.loads(zipfile.ZipFile(file).read("config.json"))["class_name"]
