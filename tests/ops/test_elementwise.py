"""Every elementwise map against autodiff in float64, what is refused, and a map of one's own in both structures."""

import copy
import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import Autoregressive, Coupling, Repeated
from tfflows.joint import serialization
from tfflows.models import FlowModel
from tfflows.networks import MADE, MLP
from tfflows.ops.elementwise import Affine, ByEntry, ElementwiseMap, GatedAffine, Invert, RationalQuadraticSpline, Shift

tfd = tfp.distributions


@dataclasses.dataclass(frozen=True)
class SinhArcsinh(ElementwiseMap):
    """`y = sinh(asinh(x) * exp(tails) + skewness)`, as somebody might write it."""

    limit: float = 1.0

    num_parameters = 2

    def forward(self, x, skewness, tails):
        weight = self.limit * tf.tanh(tails / self.limit)
        bent = tf.asinh(x) * tf.exp(weight) + skewness
        return tf.sinh(bent), tf.math.log(tf.cosh(bent)) + weight - 0.5 * tf.math.log1p(x * x)

    def inverse(self, y, skewness, tails):
        weight = self.limit * tf.tanh(tails / self.limit)
        bent = (tf.asinh(y) - skewness) * tf.exp(-weight)
        return tf.sinh(bent), tf.math.log(tf.cosh(bent)) - weight - 0.5 * tf.math.log1p(y * y)


MAPS = [
    *(Affine(bound) for bound in ("tanh", "arctan", "softsign", "sigmoid", "none")),
    Shift(),
    GatedAffine(),
    GatedAffine(-2.0),
    RationalQuadraticSpline(4, 3.0),
    RationalQuadraticSpline(5, 2.0, affine=True),
    RationalQuadraticSpline(4, 2.0, circular=True),
    RationalQuadraticSpline(4, 2.0, circular=True, affine=True),
    ByEntry(Shift(), RationalQuadraticSpline(3, 2.0, circular=True), 200),
    Invert(GatedAffine(0.5)),
    Invert(RationalQuadraticSpline(4, 3.0)),
    SinhArcsinh(0.7),
]
every_map = pytest.mark.parametrize("map_", MAPS, ids=repr)


def _draws(map_, size=500, seed=0):
    rng = np.random.default_rng(seed)
    x, *parameters = rng.normal(size=(1 + map_.num_parameters, size))
    return tf.constant(2 * x), [tf.constant(each) for each in parameters]


@every_map
def test_log_derivatives_are_autodiffs_and_the_inverse_undoes(map_):
    x, parameters = _draws(map_)
    for there, back in ((map_.forward, map_.inverse), (map_.inverse, map_.forward)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, log_derivative = there(x, *parameters)
        np.testing.assert_allclose(log_derivative, np.log(tape.gradient(y, x)), rtol=1e-8, atol=1e-8)
        returned, minus = back(y, *parameters)
        np.testing.assert_allclose(returned, x, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(minus, -log_derivative, rtol=1e-6, atol=1e-6)


@every_map
def test_single_precision_is_close_and_keeps_shape_and_dtype(map_):
    x, parameters = _draws(map_)
    for function in (map_.forward, map_.inverse):
        found = function(tf.cast(x, tf.float32), *(tf.cast(each, tf.float32) for each in parameters))
        for single, double in zip(found, function(x, *parameters), strict=True):
            assert single.dtype == tf.float32 and single.shape == x.shape
            np.testing.assert_allclose(single, double, rtol=2e-3, atol=2e-3)


@every_map
def test_maps_are_values(map_):
    config = json.loads(json.dumps(serialization.serialize(Coupling([1, 0], MLP(map_.num_parameters), map_))))
    loaded = serialization.deserialize(config).map
    assert loaded == map_ and hash(loaded) == hash(map_) and loaded is not map_
    assert dataclasses.replace(map_) == map_ and Invert(map_) != map_
    with pytest.raises(dataclasses.FrozenInstanceError):
        map_.anything = 1


STRUCTURES = {
    "coupling": lambda: Coupling([1, 1, 0], MLP(2, zero_init=False, seed=1), SinhArcsinh(0.5), name="mine"),
    "autoregressive": lambda: Autoregressive(MADE(3, zero_init=False, seed=1), SinhArcsinh(0.5)),
    "forward": lambda: Autoregressive(MADE(3, zero_init=False, seed=1), SinhArcsinh(0.5), parallel="forward"),
}


@pytest.mark.parametrize("make", STRUCTURES.values(), ids=STRUCTURES)
def test_a_map_of_ones_own(make, tmp_path):
    flow, x = make(), tf.constant(np.random.default_rng(2).normal(size=(7, 3)), tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, log_det = flow.forward_and_log_det(x)
    jacobian = tape.batch_jacobian(y, x, experimental_use_pfor=False)  # vectorising a loop costs seconds
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-6)
    back, minus = flow.inverse_and_log_det(tf.identity(y))
    np.testing.assert_allclose(back, x, atol=1e-6)
    np.testing.assert_allclose(minus, -log_det, atol=1e-6)
    data = np.random.default_rng(3).normal(size=(64, 3)).astype("float32")
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), 3), flow))
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    model.fit(data, epochs=1, verbose=0)
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(loaded.bijector) is type(flow) and loaded.bijector.map == SinhArcsinh(0.5)
    np.testing.assert_array_equal(loaded.log_prob(data), model.log_prob(data))
    copied, cloned = flow.copy(map=SinhArcsinh(0.6), name="other"), copy.deepcopy(flow)
    assert copied.map.limit == 0.6 and copied.conditioner is flow.conditioner is not cloned.conditioner
    np.testing.assert_array_equal(cloned.forward(x), flow.forward(x))


def test_repeated_steps_have_one_map():
    def step(limit):
        return Coupling([1, 0], MLP(2, hidden_units=(4,)), SinhArcsinh(limit))

    loop, x = Repeated([step(0.5), step(0.5)]), tf.constant([[0.3, -2.0]])
    np.testing.assert_allclose(loop.inverse(loop.forward(x)), x, rtol=1e-5)
    with pytest.raises(ValueError, match="steps 0 and 1 differ in parameters.map.parameters.limit: 0.5 and 0.6"):
        Repeated([step(0.5), step(0.6)])


def test_what_is_no_map_is_refused():
    class Undecorated(Shift):
        def __init__(self, unseen):
            super().__init__()

    for wrong in (Affine, tf.exp, None, Undecorated(3)):
        for make in (
            lambda wrong=wrong: Coupling([1, 0], MLP(1), wrong),
            lambda wrong=wrong: Autoregressive(MADE(2, num_outputs=1), wrong),
            lambda wrong=wrong: Invert(wrong),
        ):
            with pytest.raises(TypeError, match="`map` must be an ops.elementwise.ElementwiseMap, .* Received: "):
                make()
    with pytest.raises(ValueError, match="`log_scale_bound` must be one of .* Received: 'big'"):
        Affine("big")
    with pytest.raises(ValueError, match="`forget_bias` must be a number between -5 and 5. Received: nan"):
        GatedAffine(np.nan)
    with pytest.raises(NotImplementedError, match="ElementwiseMap must define forward"):
        ElementwiseMap().forward(tf.ones(2))


def test_unknown_maps_are_refused():
    for name in ("os.system", "tfflows>NoMap", "tfflows>AffineCoupling"):
        with pytest.raises(ValueError, match="class that this program does not know: "):
            serialization.deserialize({"map": name, "parameters": {}})
