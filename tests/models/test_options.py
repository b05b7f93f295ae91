"""Options of the models: shown, described, refused where they mean nothing, kept in the config."""

import inspect
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows import layers, models
from tfflows.bijectors import Coupling
from tfflows.models import AutoregressiveFlow, FlowModel, Glow, NeuralSplineFlow, RealNVP, TransformerFlow
from tfflows.ops.elementwise import Affine

ARCHITECTURES = ["AutoregressiveFlow", "Glow", "NeuralSplineFlow", "RealNVP", "TransformerFlow"]
MODELS = [name for name in models.__all__ if isinstance(getattr(models, name), type)]
VECTORS = {"num_layers": 2, "hidden_units": (4,)}
SMALL_IMAGES = {"num_levels": 1, "hidden_filters": 2, "num_blocks": 1}
SMALL = {
    "Glow": {"num_levels": 2, "steps_per_level": 2, "hidden_filters": 2},
    "RealNVP": {**SMALL_IMAGES, "num_levels": 2},
    "TransformerFlow": {"patch_size": 4, "num_flows": 2, "num_blocks": 1, "units": 4, "num_heads": 2},
}
NONSENSE = {
    "num_layers": 0, "hidden_units": 64, "residual": "yes", "mixing": "qr", "tails": 2, "discrete_levels": 1,
    "num_bits": 0, "dequantization": "none", "preprocessing": "none", "context_size": 0, "num_classes": -1,
    "activation": "no", "log_scale_bound": "no", "seed": "no", "event_shape": 3, "image_shape": (8, 8), "box": -1,
    "kind": "no", "bins": 1, "affine": None, "parallel": "no", "order": "no", "num_levels": 0, "steps_per_level": 0.5,
    "hidden_filters": None, "num_blocks": 0, "coupling": "no", "whiten": 3, "learned_prior": "no", "reversible": "no",
    "patch_size": 0, "num_flows": 0, "units": 0, "num_heads": 0, "patch_couplings": -1, "noise": -1,
    "label_dropout": 2.0, "circular": 0, "period": "no",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_every_option_is_shown_and_described(name):
    model = getattr(models, name)
    options = {n: p for n, p in inspect.signature(model).parameters.items() if p.kind != p.VAR_KEYWORD}
    arguments = inspect.getdoc(model).partition("\nArgs:\n")[2].partition("\nRaises:\n")[0]
    described = re.findall(r"^  (\w+(?:, \w+)*): ", arguments, re.MULTILINE)
    assert {each for entry in described for each in entry.split(", ")} == set(options)
    if name in ARCHITECTURES:
        flow = model()
        assert all(flow.get_config().get(n, p.default) is not inspect.Parameter.empty for n, p in options.items())
        assert options["name"].default == flow.name and list(options)[-3:] == ["seed", "name", "dtype"]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(4,), (8, 8, 1)], ids=["vectors", "images"])
def test_constructor_makes_all_weights_and_hides_none(name, shape):
    if name in ("Glow", "TransformerFlow") and len(shape) == 1:
        return
    flow = getattr(models, name)(shape, **(VECTORS if len(shape) == 1 else SMALL.get(name, VECTORS)))
    made = {id(v.value) for v in flow.variables}
    read = FlowModel._variables_read_by(flow, flow.distribution)  # runs it, which the constructor need not do
    assert read and {id(v) for v in read} <= made == {id(v.value) for v in flow.variables}


@pytest.mark.parametrize("kind", ["activation", "subclass"])
def test_constructor_runs_what_is_not_our_own(kind):
    hidden = keras.Variable(1.0)

    class Own(NeuralSplineFlow):
        def layer(self, i, size, rng):
            return Coupling([1, 0], keras.layers.Lambda(lambda x: hidden.value * tf.tile(x, [1, 2])), Affine())

    options = {"activation": lambda x: hidden.value * x} if kind == "activation" else {}
    with pytest.raises(ValueError, match="seen by neither"):
        (NeuralSplineFlow if kind == "activation" else Own)((2,), num_layers=2, **options)


def test_signature_of_a_subclass():
    class Narrow(RealNVP):
        def __init__(self, num_layers):
            super().__init__((2,), num_layers=num_layers, hidden_units=(4,))

    assert list(inspect.signature(Narrow).parameters) == ["num_layers"]
    assert len(Narrow(3).bijector.bijectors) == 4


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nonsense_is_refused_by_the_constructor(name):
    model = getattr(models, name)
    for option in inspect.signature(model).parameters.keys() - {"name", "dtype"}:
        with pytest.raises(ValueError, match=f"`?{option}|activation"):
            model(**{option: NONSENSE[option]})
    with pytest.raises(TypeError, match=f"{name} takes .*Received: num_clases=2. Did you mean 'num_classes'"):
        model(num_clases=2)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2,), {"preprocessing": "scale"}),
        ((2,), {"preprocessing": "logit"}),  # the default too
        ((2,), {"discrete_levels": 17}),
        ((2,), {"num_levels": 2}),
        ((2,), {"dequantization": "uniform"}),
        ((8, 8, 1), {"num_layers": 4}),
        ((8, 8, 1), {"hidden_units": (8,)}),
        ((8, 8, 1), {"residual": True}),
    ],
)
def test_options_of_other_events_are_refused(shape, options):
    (name, value), kind = *options.items(), "vectors" if len(shape) == 1 else "images"
    match = re.escape(f"Received: {name}={value!r} with events of shape {shape}")
    with pytest.raises(ValueError, match=f"RealNVP of {kind} takes .*{match}"):
        RealNVP(shape, **options)
    flow = RealNVP(**options)
    flow.compile("adam")
    with pytest.raises(ValueError, match=match):
        flow.fit(np.zeros([4, *shape], "uint8" if len(shape) == 3 else "float32"), verbose=0)
    assert not flow.built


def test_dequantization_of_vectors_is_a_layer():
    dequantization = layers.UniformDequantization(4)
    assert RealNVP((2,), **VECTORS, dequantization=dequantization).dequantization is dequantization
    assert RealNVP((2,), **VECTORS).dequantization is None
    assert RealNVP((2,), **VECTORS, dequantization=None).dequantization is None
    assert isinstance(RealNVP((4, 4, 1), **SMALL_IMAGES).dequantization, layers.UniformDequantization)


BEFORE = {
    "dtype": "float32", "num_layers": 2, "hidden_units": [4], "residual": False, "num_levels": 1, "hidden_filters": 2,
    "num_blocks": 1, "discrete_levels": 17, "num_bits": None, "dequantization": "variational", "preprocessing": "scale",
    "context_size": None, "num_classes": None, "activation": "gelu", "log_scale_bound": "tanh", "seed": 3,
}  # fmt: skip


@pytest.mark.parametrize("shape", [(3,), (4, 4, 1)])
def test_configs_of_before_hold_the_options_of_both_kinds(shape):
    flow = RealNVP.from_config({"name": "before", "event_shape": list(shape), **BEFORE})
    config = flow.get_config()
    assert flow.event_shape == shape and flow.name == "before" and config["activation"] == "gelu"
    assert ("num_layers" in config) == (len(shape) == 1) == ("preprocessing" not in config)
    assert RealNVP.from_config(config).get_config() == config


@pytest.mark.parametrize("shape", [(3,), (4, 4, 1)])
def test_an_unbuilt_flow_of_either_kind_comes_back(shape):
    flow = RealNVP(seed=1, **(VECTORS if len(shape) == 1 else SMALL_IMAGES))
    again = RealNVP.from_config(flow.get_config())
    assert again.get_config() == flow.get_config() and flow.get_config()["event_shape"] is None
    for each in (flow, again):
        each.compile("adam", run_eagerly=True)  # what is built is the point
        each.fit(np.zeros([8, *shape], "uint8" if len(shape) == 3 else "float32"), verbose=0)
        assert each.get_config()["event_shape"] == list(shape)


@pytest.mark.parametrize("shape", [(3,), None])
@pytest.mark.parametrize("base", [AutoregressiveFlow, RealNVP])
def test_a_subclass_with_a_default_of_its_own_comes_back(base, shape):
    class Needy(base):
        def __init__(self, event_shape, num_layers=3, **options):
            super().__init__(event_shape, num_layers=num_layers, **options)

    default = base.options["num_layers"].default
    flow = Needy(shape, num_layers=default, hidden_units=(4,))
    again = Needy.from_config(flow.get_config())
    assert again.num_layers == default and again.get_config() == flow.get_config()
    assert keras.models.clone_model(flow).num_layers == default


def test_options_are_attributes_and_functions_are_kept():
    flow = TransformerFlow(units=8, num_heads=np.int64(2), seed=np.int64(3))
    assert flow.units == 8 and flow.get_config()["num_heads"] == 2 and type(flow.seed) is int
    flow = RealNVP((2,), hidden_units=[4, 4], num_layers=2, activation=keras.activations.gelu)
    assert flow.hidden_units == (4, 4) and flow.get_config()["activation"] == "gelu"


def test_hooks_set_nothing():
    glow = Glow(num_levels=1, steps_per_level=1, hidden_filters=2)
    shape = glow.checked_shape((4, 4, 1))
    layer = glow.make_dequantization(shape)
    assert isinstance(layer, layers.UniformDequantization)
    glow.make_distribution(shape)
    assert glow.dequantization is None and not glow.built and not glow.weights


def test_a_subclass_of_flow_model_writes_one_hook():
    class Plain(FlowModel):
        def __init__(self, hidden, **kwargs):
            super().__init__(**kwargs)
            self.hidden = hidden

        def make_distribution(self, event_shape):
            return RealNVP(event_shape, num_layers=2, hidden_units=(self.hidden,)).distribution

    flow = Plain(4, dequantization=layers.UniformDequantization(4))
    flow.compile("adam")
    flow.fit(np.arange(32).reshape(16, 2) % 4, verbose=0)
    assert flow.event_shape == (2,) and flow.sample(3).dtype == "uint8"
