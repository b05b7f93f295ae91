"""Endpoints in the files of other runtimes, each run once when it is written."""

import contextlib
import logging
import os
import pathlib
import tempfile
import warnings

import numpy as np
import tensorflow as tf

from tfflows.export import operations, saved_model
from tfflows.export.portable import portable

_MOST_OFF = 1e-3  # of a result's scale: far above rounding, far below a program that went wrong
_MOST_LETTERS = 300  # of a converter's error


def write(model, endpoints, path, format, *, opset_version):
    """Writes `{name: Endpoint}` as files in a format; they take their places only if all give TensorFlow's results.

    Raises:
      ValueError: an endpoint that the format cannot hold, or holds with other results, named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _quiet():
        folder, together = pathlib.Path(folder), format == "litert"  # a file with a signature for each
        for names in [list(endpoints)] if together else [[name] for name in endpoints]:
            file = folder / (path.name if together or len(endpoints) == 1 else f"{path.stem}.{names[0]}{path.suffix}")
            try:
                programs = {name: _program(endpoints[name], name, format) for name in names}
                _WRITERS[format](programs, str(file), opset_version)
                for name in names:
                    _check(_RUNNERS[format](str(file), name), endpoints[name])
            except Exception as error:
                reason = " ".join(str(error).split())[:_MOST_LETTERS]
                raise ValueError(
                    f"{', '.join(map(repr, names))} of {model} must be what {format} can hold; "
                    f'format="tf_saved_model" holds every endpoint. Received: {reason}'
                ) from error
        for file in folder.iterdir():
            os.replace(file, path.parent / file.name)


def _program(endpoint, name, format):
    if format == "litert" and any(spec.dtype == tf.float64 for spec in endpoint.signature):
        raise ValueError("float64; it computes in float32")
    rules = operations.OF_LITERT if format == "litert" else operations.EVERYWHERE
    return portable(endpoint.function, endpoint.signature, name, rules=rules)


def _check(run, endpoint):
    arguments = endpoint.example()
    expected = np.asarray(endpoint.function(*map(tf.constant, arguments)))
    names = [spec.name for spec in endpoint.signature]
    found = run(dict(zip(names, arguments, strict=True)))
    scale = np.abs(expected, where=np.isfinite(expected), out=np.ones_like(expected)).max()
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=_MOST_OFF * max(1, scale)):
        raise ValueError(f"a file that gives {found.ravel()[:3]} where TensorFlow gives {expected.ravel()[:3]}")


def _onnx(programs, file, opset_version):
    import tf2onnx

    for program in programs.values():
        tf2onnx.convert.from_function(program, program.input_signature, opset=opset_version, output_path=file)


def _run_onnx(file, name):
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda given: session.run([name], given)[0]


def _openvino(programs, file, opset_version):
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        between = os.path.join(folder, "flow.onnx")
        _onnx(programs, between, opset_version)
        openvino.save_model(openvino.Core().read_model(between), file, compress_to_fp16=False)


def _run_openvino(file, name):
    import openvino

    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda given: compiled(given)[name]


def _litert(programs, file, _):
    with tempfile.TemporaryDirectory() as folder:
        saved_model.save(programs, (), folder, programs)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(programs))
        pathlib.Path(file).write_bytes(converter.convert())


def _run_litert(file, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a package of its own, which has the same interpreter
        runner = tf.lite.Interpreter(model_path=file).get_signature_runner(name)
    return lambda given: runner(**given)[name]


_WRITERS = {"onnx": _onnx, "openvino": _openvino, "litert": _litert}
_RUNNERS = {"onnx": _run_onnx, "openvino": _run_openvino, "litert": _run_litert}


@contextlib.contextmanager
def _quiet():
    """Converters tell of every operation; what stops them is raised."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
