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
folder = pathlib.Path(sys.argv[1])
reference = json.loads((folder / "card.json").read_text())["reference"]
served = tf.saved_model.load(str(folder))
for name, case in reference.items():
    specs = served.signatures[name].structured_input_signature[1]
    inputs = {key: tf.constant(value, specs[key].dtype) for key, value in case["inputs"].items()}
    found = served.signatures[name](**inputs)["output_0"].numpy()
    expected = np.array(case["output"])
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)
    else:
        np.testing.assert_array_equal(found, expected, err_msg=name)
assert not any(name.split(".")[0] in ("tfflows", "tensorflow_probability") for name in sys.modules)
print(len(reference))
"""


def test_there_is_a_flow_of_images_and_one_of_the_plane():
    assert MODELS == ["digits_glow", "two_moons_real_nvp"]


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_those_on_the_card(name):
    done = subprocess.run([sys.executable, "-c", CODE, str(FOLDER / name)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == (5 if name == "digits_glow" else 4)


@pytest.mark.parametrize("name", MODELS)
def test_cards_say_what_the_model_is_and_models_are_small(name):
    card = json.loads((FOLDER / name / "card.json").read_text())
    assert {"command", "data", "seed", "settings", "versions", "metrics", "reference", "num_weights"} <= set(card)
    assert all(card["versions"].values()) and card["data"]["sha256"]
    size = sum(path.stat().st_size for path in (FOLDER / name).rglob("*") if path.is_file())
    assert size <= MOST_BYTES, size
