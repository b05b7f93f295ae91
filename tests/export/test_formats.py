"""Files for other runtimes, run by them: values, and README's table of what each format holds."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import models

RNG = np.random.default_rng(0)
VECTORS = (RNG.normal(size=(60, 3)) * 3 + 1).astype("float32")
PIXELS = RNG.integers(16, size=(60, 4, 4, 1)).astype("uint8")
VALUES = (RNG.normal(size=(60, 2)) * 50 + 1000).astype("float32")
LABELS = (np.arange(60) % 3).astype("int32")
SMALL, IMAGES = {"num_layers": 2, "hidden_units": (4,), "seed": 0}, {"discrete_levels": 16, "seed": 0}
MODELS = {
    "RealNVP": lambda: models.RealNVP((3,), num_classes=3, **SMALL),
    "NeuralSplineFlow": lambda: models.NeuralSplineFlow((3,), context_size=2, **SMALL),
    "AutoregressiveFlow": lambda: models.AutoregressiveFlow((3,), **SMALL),
    "Glow": lambda: models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, num_classes=3, **IMAGES),
    "TransformerFlow": lambda: models.TransformerFlow(
        (4, 4, 1), patch_size=2, num_flows=1, num_blocks=1, units=8, num_heads=2, **IMAGES
    ),
}
FILES = {"onnx": "flow.onnx", "litert": "flow.tflite", "openvino": "flow.xml"}
NEEDED = {"onnx": ("tf2onnx", "onnxruntime"), "litert": (), "openvino": ("tf2onnx", "openvino")}
README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
TABLE = {
    name: dict(zip(FILES, (re.findall(r"`(\w+)`", cell) for cell in cells.split("|")), strict=True))
    for name, cells in re.findall(r"^\| `(\w+)` \|(.*`log_prob`.*)\|$", README, re.MULTILINE)
}
QUICK = [
    ("RealNVP", "onnx", ("log_prob", "inverse")),
    ("RealNVP", "openvino", ("log_prob", "forward")),
    ("NeuralSplineFlow", "litert", ("log_prob", "forward")),
    ("AutoregressiveFlow", "onnx", ("log_prob",)),
    ("Glow", "onnx", ("log_prob",)),
]


def made(name):
    """A flow with no weight where it starts, and examples."""
    flow = MODELS[name]()
    x = VECTORS if len(flow.event_shape) == 1 else PIXELS
    flow.adapt(x, context_of(flow, 60))
    for i, weight in enumerate(flow.trainable_variables):
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.1, seed=i))
    if flow.dequantization is not None:
        x = flow.dequantization(x, seed=0)[0].numpy()
    return flow, x[:5]


def context_of(flow, n):
    """Labels, numbers in a unit of their own, or `None`."""
    return VALUES[:n] if flow.context_size else LABELS[:n] if flow.conditional else None


def run(format, path, endpoint):
    """The endpoint of a file as a function of named arrays."""
    if format == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path)
        return lambda **given: session.run([endpoint], given)[0]
    if format == "openvino":
        compiled = (
            pytest.importorskip("openvino").Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        )
        return lambda **given: compiled(given)[endpoint]
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter  # noqa: N806
    runner = Interpreter(model_path=path).get_signature_runner(endpoint)
    return lambda **given: runner(**given)[endpoint]


def needs(format):
    for package in NEEDED[format]:
        pytest.importorskip(package)


def agree(found, expected):
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max()))


def test_readme_lists_every_model_that_is_tried():
    assert set(TABLE) == set(MODELS)


def check_values(name, format, endpoints, folder):
    """Each endpoint, exported with the others and run by its runtime, at two batch sizes."""
    flow, x = made(name)
    context = (context_of(flow, 5),) if flow.conditional else ()
    z = flow.encode(x, *context)
    forward = flow.bijector.forward(z, **({"context": context[0]} if context else {}))
    expected = {"log_prob": (x, flow.log_prob(x, *context)), "inverse": (x, z), "forward": (z, forward)}
    flow.export(folder / FILES[format], format=format, endpoints=endpoints)
    for endpoint in endpoints:
        alone = format == "litert" or len(endpoints) == 1
        path = str(folder / (FILES[format] if alone else FILES[format].replace(".", f".{endpoint}.")))
        given, answer = (np.asarray(each) for each in expected[endpoint])
        named, program = {"z" if endpoint == "forward" else "x": given}, run(format, path, endpoint)
        named |= {"context": context[0]} if context else {}
        agree(program(**named), answer)
        agree(program(**{key: value[:1] for key, value in named.items()}), answer[:1])
    return flow


@pytest.mark.parametrize(("name", "format", "endpoints"), QUICK)
def test_the_runtime_gives_the_values_of_the_flow(name, format, endpoints, tmp_path):
    needs(format)
    assert set(endpoints) <= set(TABLE[name][format])
    check_values(name, format, endpoints, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("format", FILES)
def test_formats_hold_what_readme_says(name, format, tmp_path):
    needs(format)
    held = TABLE[name][format]
    flow = check_values(name, format, held, tmp_path)
    for endpoint in {"log_prob", "inverse", "forward"} - set(held):
        with pytest.raises(ValueError, match=f"'{endpoint}' of .* must be what {format} can hold.*a loop"):
            flow.export(tmp_path / "other" / FILES[format], format=format, endpoints=endpoint)
        assert not list((tmp_path / "other").iterdir())


def test_one_file_has_the_log_probability_and_a_label_out_of_range_gives_nan(tmp_path):
    needs("onnx")
    flow, x = made("RealNVP")
    flow.export(str(tmp_path / "flow.onnx"), "onnx", opset_version=17)
    assert [path.name for path in tmp_path.iterdir()] == ["flow.onnx"]
    program = run("onnx", str(tmp_path / "flow.onnx"), "log_prob")
    agree(program(x=x, context=LABELS[:5]), flow.log_prob(x, LABELS[:5]))
    assert np.isnan(program(x=x, context=np.array([0, 1, 3, 0, 0], "int32"))).all()


def test_a_density_of_another_base_and_what_no_operation_stands_for(tmp_path):
    tfb, tfd = tfp.bijectors, tfp.distributions
    shift = tf.Variable([1.0, 2.0])
    base = tfd.Sample(tfd.StudentT(3.0, 0.0, 1.0), 2)
    flow = models.FlowModel(tfd.TransformedDistribution(base, tfb.Chain([tfb.Softplus(), tfb.Shift(shift)])))
    path, x = tmp_path / "flow.tflite", np.array([[1e-6, 1.0], [0.5, 40.0]], "float32")
    flow.export(path, "litert")
    agree(run("litert", str(path), "log_prob")(x=x), flow.log_prob(x))
    normal = tfd.MultivariateNormalDiag([0.0, 1.0], [1.0, 2.0])
    flow = models.FlowModel(tfd.TransformedDistribution(normal, tfb.NormalCDF()))
    flow.export(path, "litert", endpoints=("log_prob", "forward"))
    x, z = np.array([[1e-6, 0.5], [0.3, 0.9999]], "float32"), np.array([[-5.0, 0.0], [1e-3, 4.0]], "float32")
    agree(run("litert", str(path), "log_prob")(x=x), flow.log_prob(x))
    agree(run("litert", str(path), "forward")(z=z), flow.decode(z))
    before = path.read_bytes()
    bijector = tfb.Inline(
        lambda x: x + 1e-9 * tf.math.digamma(1 + x * x),  # which LiteRT does not have
        lambda y: y,
        inverse_log_det_jacobian_fn=tf.zeros_like,
        forward_min_event_ndims=0,
    )
    flow = models.FlowModel(tfd.TransformedDistribution(normal, bijector))
    with pytest.raises(ValueError, match=r"'forward' of .* must be what litert can hold; .*Digamma"):
        flow.export(path, "litert", endpoints="forward")
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    double = models.RealNVP((2,), num_layers=2, hidden_units=(4,), dtype="float64")
    with pytest.raises(ValueError, match="must be what litert can hold.*Received: float64"):
        double.export(path, "litert")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "onx"}, "`format` must be one of .* Received: 'onx'"),
        ({"format": "litert"}, "litert must end in .tflite. Received: .*flow'"),
        ({"format": "openvino"}, "openvino must end in .xml"),
        ({"endpoints": ("log_prob", "smaple")}, "Did you mean 'sample'"),
        ({"endpoints": ()}, "must name at least one"),
        ({"opset_version": 17}, "`opset_version` is of ONNX"),
    ],
)
def test_what_is_asked_for_is_refused_before_any_work(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        models.RealNVP((2,), num_layers=2, hidden_units=(4,)).export(tmp_path / "flow", **options)
    assert not list(tmp_path.iterdir())


def test_random_numbers_and_missing_packages_are_refused(tmp_path, monkeypatch):
    flow = models.RealNVP((2,), num_layers=2, hidden_units=(4,))
    with pytest.raises(ValueError, match="litert holds .*no random numbers. Received: endpoint 'sample'"):
        flow.export(tmp_path / "flow.tflite", "litert", endpoints=["log_prob", "sample"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="onnx needs: pip install tf2onnx onnxruntime. Received: no tf2onnx and no"):
        flow.export(tmp_path / "flow.onnx", "onnx")
