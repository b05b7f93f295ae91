"""The folder of a run: what is in it, when it may be written, how it is read."""

import contextlib
import itertools
import json
import os
import pathlib
import shutil

CONFIG, LOG, STATE, METRICS = "config.json", "log.csv", "training_state.npz", "metrics.json"
MODEL, SAVED_MODEL = "model.keras", "saved_model"
EXPORTS = (SAVED_MODEL, "onnx", "litert", "openvino")
PROGRESS, TENSORBOARD = "progress", "tensorboard"
EVALUATION, EVALUATION_PAGE = "evaluate.json", "evaluate.html"
EXAMINATION, EXAMINATION_PAGE = "doctor.json", "doctor.html"
_FIGURES = "samples training density latents digits classes temperatures interpolation reconstruction".split()
_PAGES = (EVALUATION, EVALUATION_PAGE, EXAMINATION, EXAMINATION_PAGE)
_OURS = (PROGRESS, TENSORBOARD, LOG, STATE, STATE + ".part", METRICS, MODEL, *EXPORTS, *_PAGES, CONFIG)


def default(model, data):
    """runs/MODEL-DATA, or where that holds a run on other data of the same name, the first of runs/MODEL-DATA-2, ..."""
    name = f"{model}-{pathlib.Path(data).stem}"
    names = itertools.chain([name], (f"{name}-{i}" for i in itertools.count(2)))
    return next(folder for folder in (pathlib.Path("runs") / name for name in names) if _is_of(folder, data))


def _is_of(folder, data):
    """Whether a folder is free for data, or holds a run on them."""
    try:
        return read_config(folder)["settings"]["data"] == data
    except (OSError, ValueError, KeyError):
        return True  # is refused, if it may not be written, when it is looked at


def check_free(folder, *, overwrite):
    """Refuses a file, and a folder that holds something, unless it is a run and may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"The run folder must be a folder. Received: {folder}, which is a file")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / CONFIG).is_file():
        wanted = "The run folder must be new, empty or a run"
        raise FileExistsError(f"{wanted}. Received: {folder}, which holds other files; choose another --output")
    if not overwrite:
        raise FileExistsError(
            f"{folder} holds a run: --resume to continue, --overwrite to replace, or another --output"
        )


def create(folder, config, *, overwrite):
    """Makes the folder with its config.json. A run that is replaced goes first; files not from tfflows stay."""
    check_free(folder, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*_OURS, *(f"{figure}.png" for figure in _FIGURES)):
        _remove(folder / name)
    write_json(folder / CONFIG, config)


def read_config(folder):
    """The config.json of a run."""
    path = pathlib.Path(folder) / CONFIG
    if not path.is_file():
        kind = "has no config.json" if path.parent.is_dir() else "does not exist"
        raise FileNotFoundError(f"A run folder made by `tfflows train` is needed. Received: {folder}, which {kind}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        config["settings"]["model"], config["data"]["event_shape"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"A config.json written by `tfflows train` is needed. Received: {path}: {error}") from error
    return config


def write_json(path, content):
    """Writes JSON so that the file is always whole; numbers must be finite."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path):
    """A path beside `path`: the file or folder written there takes its place when it is whole."""
    beside = path.with_name("part-" + path.name)
    _remove(beside)
    yield beside
    if path.is_dir():
        _remove(path)
    os.replace(beside, path)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
