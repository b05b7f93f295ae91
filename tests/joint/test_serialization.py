"""Native TFP flows with raw variables train, are saved in a `.keras` file and load without custom objects."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import AffineCoupling, Chain
from tfflows.joint import serialization
from tfflows.models import FlowModel
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions

DATA = (1.0 + 0.7 * np.random.default_rng(0).normal(size=(256, 4))).astype("float32")


def _base():
    return tfd.MultivariateNormalDiag(tf.zeros(4), tf.ones(4))


def _on(bijector):
    return tfd.TransformedDistribution(_base(), bijector)


def _variable(values):
    return tf.Variable(tf.constant(values, tf.float32))


def _triangular():
    start = np.eye(4, dtype="float32") + 0.1 * np.tri(4, dtype="float32")
    return tfb.ScaleMatvecTriL(tfp.util.TransformedVariable(start, tfb.FillScaleTriL(diag_shift=1e-3)))


def _lower_upper():
    lu = np.eye(4) + 0.1 * np.random.default_rng(1).normal(size=(4, 4))
    return tfb.ScaleMatvecLU(_variable(lu), permutation=np.array([2, 0, 3, 1], "int32"))


def _positive(shape):
    return tfp.util.TransformedVariable(tf.fill(shape, 1.0), tfb.Softplus(), name="positive")


def _spline():
    bins = [tfp.util.TransformedVariable(tf.fill([4, 6], 1.5), tfb.Softplus()) for _ in range(2)]
    slopes = tfp.util.TransformedVariable(tf.fill([4, 5], 1.0), tfb.Softplus())
    return tfb.RationalQuadraticSpline(bin_widths=bins[0], bin_heights=bins[1], knot_slopes=slopes, range_min=-4.5)


@keras.saving.register_keras_serializable("tfflows_tests")
class Halves(keras.layers.Layer):
    """What `tfb.RealNVP` wants of a network: `(shift, log_scale)`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.net = MLP(4, hidden_units=(8,), zero_init=False, seed=1)

    def build(self, shape):
        self.net.build(shape)

    def __call__(self, x, output_units=None):  # TFP passes the second by position, which Keras 3 refuses
        return super().__call__(x)

    def call(self, x):
        shift, log_scale = tf.split(self.net(x), 2, axis=-1)
        return shift, tf.tanh(log_scale)


@keras.saving.register_keras_serializable("tfflows_tests")
class Masked(keras.layers.Layer):
    """A masked network of one layer: output i sees inputs before i."""

    def build(self, shape):
        small = keras.initializers.RandomNormal(stddev=0.1, seed=1)
        self.kernel = self.add_weight(name="kernel", shape=(4, 4, 2), initializer=small)
        self.bias = self.add_weight(name="bias", shape=(4, 2))

    def call(self, x):
        mask = tf.constant(np.triu(np.ones([4, 4]), 1)[..., None], x.dtype)
        return tf.einsum("...i,ijk->...jk", x, self.kernel * mask) + self.bias


def _built(layer, size):
    layer.build((None, size))
    return layer


def _trainable_base():
    return tfd.MultivariateNormalDiag(loc=_variable(np.zeros(4)), scale_diag=_positive([4]))


FLOWS = {
    "shift": lambda: _on(tfb.Shift(_variable(np.zeros(4)))),
    "scale": lambda: _on(tfb.Chain([tfb.Scale(_variable(np.full(4, 0.9)))])),
    "scale_positive": lambda: _on(tfb.Scale(_positive([4]))),
    "scale_matvec_tril": lambda: _on(_triangular()),
    "scale_matvec_lu": lambda: _on(_lower_upper()),
    "spline": lambda: _on(_spline()),
    "maf": lambda: _on(tfb.MaskedAutoregressiveFlow(_built(Masked(), 4))),
    "real_nvp": lambda: _on(tfb.RealNVP(2, shift_and_log_scale_fn=_built(Halves(), 2))),
    "trainable_base": lambda: tfd.TransformedDistribution(_trainable_base(), tfb.Shift(_variable(np.zeros(4)))),
    "mixed": lambda: tfd.TransformedDistribution(
        _trainable_base(),
        tfb.Chain(
            [
                tfb.Shift(_variable(np.zeros(4))),
                tfb.Invert(AffineCoupling([1, 1, 0, 0], MLP(4, hidden_units=(8,), zero_init=False))),
                _triangular(),
                tfb.RealNVP(2, shift_and_log_scale_fn=_built(Halves(), 2)),
                tfb.Permute([3, 1, 0, 2]),
            ]
        ),
    ),
}
every_flow = pytest.mark.parametrize("name", FLOWS)


def _fitted(name):
    model = FlowModel(FLOWS[name]())
    before = [v.numpy() for v in model.trainable_variables]
    model.compile(keras.optimizers.Adam(0.02))
    losses = model.fit(DATA, batch_size=64, epochs=3, verbose=0).history["loss"]
    return model, before, losses


@every_flow
def test_fits_saves_and_loads(name, tmp_path):
    model, before, losses = _fitted(name)
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    still = [v.path for v, old in zip(model.trainable_variables, before, strict=True) if not np.abs(v - old).max() > 0]
    assert before and still == []
    expected = model.log_prob(DATA).numpy()
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")  # safe_mode=True, no custom objects
    np.testing.assert_array_equal(loaded.log_prob(DATA), expected)
    assert len(loaded.weights) == len(model.weights)
    assert len(loaded.distribution.trainable_variables) == len(model.distribution.trainable_variables)
    loaded.fit(DATA, batch_size=64, epochs=1, verbose=0)  # compiled as it was
    assert np.abs(loaded.log_prob(DATA) - expected).max() > 1e-4


@every_flow
def test_configs_are_json_and_stable(name):
    text = json.dumps(serialization.serialize(FLOWS[name]()))
    assert json.dumps(serialization.serialize(serialization.deserialize(json.loads(text)))) == text


def test_a_functional_model_is_a_network(tmp_path):
    model = FlowModel(_on(tfb.Chain([AffineCoupling([1, 1, 0, 0], _sequential()), tfb.Permute([2, 3, 0, 1])])))
    expected = model.log_prob(DATA[:8]).numpy()
    model.save(tmp_path / "flow.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "flow.keras").log_prob(DATA[:8]), expected)


def _sequential():
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Dense(8, activation="tanh")(inputs)))


def test_shared_parts_stay_shared(tmp_path):
    shift, coupling = _variable(np.ones(4)), AffineCoupling([1, 1, 0, 0], MLP(4, hidden_units=(8,)))
    bijector = Chain([tfb.Shift(shift), coupling, tfb.Permute([2, 3, 0, 1]), coupling, tfb.Shift(shift)])
    model = FlowModel(_on(bijector))
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    links = loaded.bijector.bijectors
    assert links[1] is links[3] and links[0].shift is links[4].shift
    assert len(loaded.weights) == len(model.weights) == 5
    np.testing.assert_array_equal(loaded.log_prob(DATA), model.log_prob(DATA))


def test_one_conditioner_in_two_couplings_stays_one(tmp_path):
    mlp = MLP(4, hidden_units=(8,))
    model = FlowModel(_on(Chain([AffineCoupling([1, 1, 0, 0], mlp), AffineCoupling([0, 0, 1, 1], mlp)])))
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert loaded.bijector.bijectors[0].conditioner is loaded.bijector.bijectors[1].conditioner
    assert len(loaded.weights) == len(model.weights) == 4


def test_functions_are_refused_by_their_path():
    inline = tfb.Inline(forward_fn=tf.exp, inverse_fn=tf.math.log, forward_min_event_ndims=0,
                        forward_log_det_jacobian_fn=lambda x: x)  # fmt: skip
    with pytest.raises(TypeError, match=r"Received: \w+ at .*bijectors\[1\].*Pass a Keras layer instead of a function"):
        serialization.serialize(_on(tfb.Chain([tfb.Tanh(), inline])))
    native = tfb.RealNVP(2, shift_and_log_scale_fn=lambda x, n: (x, x))
    with pytest.raises(TypeError, match="Received: function at .*shift_and_log_scale_fn"):
        serialization.serialize(_on(native))


def test_unknown_classes_are_refused():
    for name in ("tfb.NoSuchBijector", "os.system", "somewhere>Bijector", "tfb.tf", "linalg.matmul"):
        with pytest.raises(ValueError, match="class that this program does not know: "):
            serialization.deserialize({"class": name, "parameters": {}})
