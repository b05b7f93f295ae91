"""The exported models give, in a process without tfflows, the answers on their cards."""

import json
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "saved_models"
MODELS = sorted(path.parent.name for path in FOLDER.glob("*/card.json"))
MOST_BYTES = 5_000_000
CODE = """
import json, pathlib, sys
import numpy as np, tensorflow as tf
for folder in sys.argv[1:]:
    reference = json.loads((pathlib.Path(folder) / "card.json").read_text())["reference"]
    served = tf.saved_model.load(folder)
    for name, case in reference.items():
        specs = served.signatures[name].structured_input_signature[1]
        inputs = {key: tf.constant(value, specs[key].dtype) for key, value in case["inputs"].items()}
        found = served.signatures[name](**inputs)["output_0"].numpy()
        expected, where = np.array(case["output"]), f"{folder} {name}"
        assert found.shape == expected.shape, (where, found.shape, expected.shape)
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=where)
        else:
            np.testing.assert_array_equal(found, expected, err_msg=where)
    print(len(reference))
assert not any(name.split(".")[0] in ("tfflows", "tensorflow_probability") for name in sys.modules)
"""


def test_there_is_a_flow_of_images_and_one_of_the_plane():
    assert MODELS == ["digits_glow", "two_moons_real_nvp"]


def test_answers_are_those_on_the_cards():
    folders = [str(FOLDER / name) for name in MODELS]
    done = subprocess.run([sys.executable, "-c", CODE, *folders], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["5", "4"]


@pytest.mark.parametrize("name", MODELS)
def test_cards_say_what_the_model_is_and_models_are_small(name):
    card = json.loads((FOLDER / name / "card.json").read_text())
    assert {"command", "data", "seed", "settings", "versions", "metrics", "reference", "num_weights"} <= set(card)
    assert all(card["versions"].values()) and card["data"]["sha256"]
    size = sum(path.stat().st_size for path in (FOLDER / name).rglob("*") if path.is_file())
    assert size <= MOST_BYTES, size
