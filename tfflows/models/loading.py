"""Loading saved flows."""

import json
import pathlib
import zipfile

import keras

from tfflows.models.flow_model import FlowModel


def load_model(path):
    """A flow from a `.keras` file, as `keras.saving.load_model`, refusing anything else by name.

    Args:
      path: a file written by `flow.save`.

    Returns:
      The `FlowModel`, compiled as it was.

    Raises:
      FileNotFoundError: no such file.
      ValueError: not a `.keras` file, a truncated one, or one that holds another kind of model.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a .keras file written by `flow.save`. Received: {path}, which is no file")
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            f"Expected a .keras file written by `flow.save`. Received: {path}, which is truncated or no .keras file "
            f"({error})"
        ) from error
    if broken:
        raise ValueError(f"Expected a whole .keras file. Received: {path}, in which {broken} is damaged")
    model = keras.saving.load_model(path)
    if not isinstance(model, FlowModel):
        raise ValueError(f"Expected a saved tfflows flow. Received: {path}, which holds a {config.get('class_name')}")
    return model
