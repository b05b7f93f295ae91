"""Files written before the package was rearranged load, and give the same bits.

`written_before/` holds, of every model and posterior layer, a `.keras` file, a SavedModel and data, as the release of
commit b10ef99 wrote them (`written_before/make.py`). Bits depend on the processor, so both are run here: the
SavedModel, whose graph is of that time, and one exported anew from the `.keras` file.
"""

import pathlib
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows  # noqa: F401 (registers what the files name)

FOLDER = pathlib.Path(__file__).parent / "written_before"
MODELS = sorted(path.stem for path in FOLDER.glob("*.zip"))


@pytest.mark.parametrize("name", MODELS)
def test_gives_the_same_bits(name, tmp_path):
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    data = dict(np.load(tmp_path / "data.npz"))
    model = keras.saving.load_model(tmp_path / "model.keras")
    model.export(str(tmp_path / "anew"))
    before, anew = (tf.saved_model.load(str(tmp_path / folder)).signatures for folder in ("saved_model", "anew"))
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
    saved = {type(keras.saving.load_model(_keras_file(name))).__name__ for name in MODELS}
    models = {n for n in tfflows.models.__all__ if isinstance(getattr(tfflows.models, n), type)}
    assert saved == models - {"VariationalFlow"}  # which saves a FlowModel


def _keras_file(name):
    import tempfile

    folder = tempfile.mkdtemp()
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive:
        return archive.extract("model.keras", folder)
